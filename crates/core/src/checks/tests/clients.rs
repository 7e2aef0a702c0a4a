//! The check of clients: `outdated_client`.

use std::sync::Arc;

use super::*;
use crate::client::{Client, Version};
use crate::observation::Exemption;

fn version(text: &str) -> Version {
    Version::parse(text).expect("a version")
}

fn client(version_text: &str, least: Option<&str>) -> Stated<Arc<Client>> {
    let identifier = "Backup Client".into();
    Stated::Value(Arc::new(Client { identifier, version: version_text.into(), least: least.map(version) }))
}

#[rstest]
#[case::not_stated(Stated::Missing, (Ok, Reason::Exempt(Exemption::ClientNotStated)))]
#[case::never(Stated::Never, (Ok, Reason::Exempt(Exemption::ClientNotStated)))]
#[case::unreadable(Stated::Unreadable, (Unknown, Reason::Unreadable))]
#[case::no_least_version(client("0.1", None), (Ok, Reason::Exempt(Exemption::NoLeastVersion)))]
#[case::no_least_and_no_version(client("soon", None), (Ok, Reason::Exempt(Exemption::NoLeastVersion)))]
#[case::no_version(client("soon", Some("2.0.9")), (Unknown, Reason::Unreadable))]
#[case::below(client("2.0.8", Some("2.0.9")), (Bad, Reason::ClientOutdated(version("2.0.8"), version("2.0.9"))))]
#[case::before_the_release(client("2.0.9_pre", Some("2.0.9")), (Bad, Reason::ClientOutdated(version("2.0.9_pre"), version("2.0.9"))))]
#[case::exactly_that(client("2.0.9", Some("2.0.9")), (Ok, Reason::ClientRecent(version("2.0.9"), version("2.0.9"))))]
#[case::by_number(client("2.0.10", Some("2.0.9")), (Ok, Reason::ClientRecent(version("2.0.10"), version("2.0.9"))))]
fn a_client_is_outdated_below_its_least_version(
    #[case] client: Stated<Arc<Client>>,
    #[case] expected: Answer,
) {
    assert_eq!(of_agent(&outdated_client::CHECK, None, |agent| agent.more.client = client), expected);
}
