//! What becomes of accounts whose entries are not as they should be, or are being changed?

use lastgood_simulator::stoney::{Directory, End};

use super::post::Post;
use super::world::{World, clients, run_of};

const UID: &str = "3700001";
const CUSTOMER: &str = "c0@many.example.org";

/// Another one stays whatever happens: a list that is empty of a sudden says nothing.
fn world() -> World {
    let mut directory = Directory::default();
    directory.put(directory.account("3700002"));
    directory.put(directory.account(UID).set("mail", &[CUSTOMER]));
    let world = World::new(directory);
    let [sepiola, _] = clients();
    world.home("3700002");
    world.computer(UID, "pc").back_up(&run_of(sepiola, 30, End::Failed)).expect("a writable folder");
    world
}

fn outcome_of_the_list(world: &World) -> String {
    world.outcomes().1[&("stoney".to_owned(), "visibility".to_owned())].clone()
}

#[test]
fn a_key_that_stands_twice_leaves_the_list_incomplete_and_says_which_entry_counts() {
    let world = world();
    world.write("", "", "");
    assert_eq!(outcome_of_the_list(&world), "ok");
    let mut twin = world.directory.account(UID);
    twin.dn = format!("uid={UID},{}", world.directory.backup_base());
    world.slapd.ldif(&lastgood_simulator::stoney::ldif::write(&[twin.clone()])).expect("it is added");
    assert_eq!(outcome_of_the_list(&world), "unknown");
    let said = world.run(&["explain", "stoney"]).text();
    assert!(said.contains(&twin.dn) && said.contains(&world.directory.account_dn(UID)), "{said}");
    let listed = world.run(&["account-size"]);
    assert_eq!(listed.code, 2, "{}", listed.text());
    assert!(listed.text().contains(&twin.dn), "{}", listed.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_being_changed_has_not_left_whoever_starts_anew_meanwhile() {
    let (world, post) = (world(), Post::start().await);
    world.write("", "", &post.channel());
    let serving = world.serve();
    serving.wait_until("the customer is told", async || post.letters().len() == 1).await;
    let dn = world.directory.account_dn(UID);
    let set = |attribute: &str, value: &str| world.slapd.set(&dn, attribute, &[value]).expect("it is set");
    set("sstProvisioningMode", "modify");
    set("sstProvisioningState", "0");
    world.looks(&serving, 2).await;
    serving.stop().await;
    let serving = world.serve();
    world.looks(&serving, 2).await;
    set("sstProvisioningMode", "modified");
    set("sstProvisioningState", "20260302T120000Z");
    world.looks(&serving, 1).await;
    assert_eq!(post.letters().len(), 1, "{:#?}", post.letters());
    set("sstProvisioningMode", "delete");
    serving.wait_until("that it left is told", async || post.letters().len() == 2).await;
    serving.stop().await;
}
