//! From the file a client uploads to the mail that is received: is everybody told whom it concerns, and nobody else?

use std::collections::BTreeSet;

use super::post::{Letter, Post};
use super::rows::{self, DEFAULT, OPERATOR, Recipient, Row, prepare, rows, upload};
use super::world::World;

/// The operator is told whatever the pattern says; nobody else of the configuration is.
const OWNERS: &str = "[[owner]]\nsubject = 'elsewhere/*'\nrole = 'operator'\nto = ['mail:operator@many.example.org']\n\
                      [[owner]]\nsubject = 'elsewhere/*'\nrole = 'customer'\nto = ['mail:stranger@many.example.org']\n";

const LDAP: &str = "settings_url = 'https://selfcare.example.org/accounts/{uid}'\n\
                    from = 'Hoster <hoster@example.org>'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_whom_an_upload_concerns_gets_one_mail_about_it_and_nobody_else_does() {
    let (world, post) = (World::new(rows::directory()), Post::start().await);
    world.write("", LDAP, &(post.channel() + OWNERS));
    for row in rows() {
        prepare(&world, row);
    }
    let serving = world.serve();
    let seen = async || serving.page("/metrics").await.is_some_and(|page| page.contains(&rows()[0].uid()));
    serving.wait_until("all are seen while nothing is wrong", seen).await;
    for row in rows() {
        upload(&world, row);
    }
    let expected: BTreeSet<String> = rows()
        .into_iter()
        .flat_map(Row::recipients)
        .filter(|recipient| recipient.told)
        .map(|recipient| recipient.address)
        .collect();
    serving.wait_until("everybody is told", async || post.told().is_superset(&expected)).await;
    world.look_anew(serving).await.stop().await;
    let letters = post.letters();
    assert_eq!(post.told(), expected);
    for row in rows() {
        let told: Vec<_> = row.recipients().into_iter().filter(|recipient| recipient.told).collect();
        for recipient in &told {
            let about = |letter: &&Letter| letter.text.contains(&row.uid());
            let of_them = letters.iter().filter(|letter| letter.delivered_to == recipient.address);
            let [letter] = of_them.filter(about).collect::<Vec<_>>()[..] else {
                panic!("not one letter to {} about {row:?}: {letters:#?}", recipient.address);
            };
            assert_letter(letter, row, recipient, &told);
        }
    }
    let ids: BTreeSet<_> = letters.iter().map(|letter| &letter.id).collect();
    assert_eq!(ids.len(), letters.len(), "{letters:#?}");
    // Whoever hears of one account hears of it once; the others of all their accounts, in one letter or a few.
    let alone = |letter: &&Letter| ![OPERATOR, DEFAULT].contains(&letter.delivered_to.as_str());
    assert_eq!(letters.iter().filter(alone).count(), expected.len() - 2, "{letters:#?}");
}

/// Why an operator is told: what the row wants of somebody else.
const NOBODY: &str = "no customer and no reseller is left to tell: ";

/// What one letter says of one matter: who sent it, in which language, about what, what to do, and who else was told.
#[track_caller]
fn assert_letter(letter: &Letter, row: Row, recipient: &Recipient, told: &[Recipient]) {
    assert_eq!(letter.to.to_lowercase(), recipient.address, "{row:?}");
    assert_eq!(letter.from.replace('"', ""), recipient.from, "{row:?}: {letter:#?}");
    assert!(letter.has_html, "{row:?}: {letter:#?}");
    let to_do = if recipient.is_german { "Was zu tun ist: " } else { "What to do: " };
    let computer = row.subject().rsplit('/').next().expect("a name").to_owned();
    let mut wanted = vec![to_do.to_owned(), row.uid(), computer];
    match recipient.role {
        "customer" => wanted.push(format!("https://selfcare.example.org/accounts/{}", row.uid())),
        "operator" => wanted.extend([NOBODY.to_owned(), format!("({})", row.check()), row.quiet()]),
        _ => {}
    }
    let others = told.iter().filter(|other| other.address != recipient.address);
    wanted.extend(others.map(|other| other.address.clone()));
    for words in wanted {
        assert!(letter.text.contains(&words), "{row:?}: {words:?} in {letter:#?}");
    }
    let english = ["What to do", "Also told", "Since "];
    let german = ["Was zu tun", "Auch informiert", "Seit dem"];
    let foreign = if recipient.is_german { english } else { german };
    for words in foreign {
        assert!(!letter.text.contains(words), "{row:?}: {words:?} in {letter:#?}");
    }
}
