//! Where is the screenshot of a test boot today?

/// The host whose links are dead.
const OLD_HOST: &str = "partners.dattobackup.com";

/// Where those pictures are now.
const PICTURES: &str = "https://device.dattobackup.com/sirisReporting/images/latest/";

/// Returns a link that works: one to the old partner host becomes one to the device host, by what stands behind the
/// last `/` of its query; any other link stays as it is.
pub fn current_link(link: &str) -> String {
    let host =
        link.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let picture = link.split_once('?').and_then(|(_, query)| query.rsplit('/').next());
    match picture {
        Some(picture) if host.eq_ignore_ascii_case(OLD_HOST) && !picture.is_empty() => {
            format!("{PICTURES}{picture}")
        }
        _ => link.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_is_mended_and_others_stay() {
        let old = "https://partners.dattobackup.com/x.php?latest/5555eeee6666ffff.png";
        let new = "https://device.dattobackup.com/sirisReporting/images/latest/5555eeee6666ffff.png";
        assert_eq!(current_link(old), new);
        for kept in [
            new,
            "",
            "https://partners.dattobackup.com/x.php",
            "no link",
            "https://a/?partners.dattobackup.com/",
        ] {
            assert_eq!(current_link(kept), kept);
        }
    }
}
