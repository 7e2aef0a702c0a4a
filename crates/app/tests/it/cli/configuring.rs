//! Can the program be set up: configuration, completions, manual?

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rstest::rstest;

use super::compare;
use crate::support::binary::{Ran, clean, feed, program, run, run_with};

#[test]
fn a_valid_configuration_is_called_valid() {
    let ran = run(&["config", "check", "--config", "valid.toml"]);
    assert_eq!(ran.code, 0);
    compare("config_check_ok", &ran);
    assert_eq!(run_with(&["config", "check"], &[("LASTGOOD_CONFIG", "valid.toml")]), ran);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let ran = run(&["config", "check", "--config", "five-mistakes.toml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(!ran.stderr.contains("hunter2"), "a secret is repeated: {}", ran.stderr);
    compare("config_check_mistakes", &ran);
    let looked = run(&["check", "--config", "five-mistakes.toml"]);
    assert_eq!(looked, ran, "a file with a mistake is rejected as a whole");
}

#[rstest]
#[case("none.toml")]
#[case(".")]
#[case("empty.xml")]
#[case("login.html")]
fn what_is_no_configuration_is_refused(#[case] file: &str) {
    let ran = run(&["config", "check", "--config", file]);
    assert_eq!(ran.code, 3, "{}", ran.text());
    compare(&format!("config_check_{}", file.replace('.', "_")), &ran);
}

/// What `config check` says of a file in a folder that holds these secrets, each with its mode.
fn checked(text: &str, secrets: &[(&str, u32)]) -> Ran {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, mode) in secrets {
        let file = folder.path().join(name);
        fs::write(&file, "0123456789abcdef0123456789abcdef").expect("a writable folder");
        fs::set_permissions(&file, fs::Permissions::from_mode(*mode)).expect("our own file");
    }
    let file = folder.path().join("config.toml");
    fs::write(&file, text).expect("a writable folder");
    let ran = run(&["config", "check", "--config", file.to_str().expect("UTF-8")]);
    let shown = format!("{}/", folder.path().display());
    Ran { stderr: ran.stderr.replace(&shown, ""), stdout: ran.stdout.replace(&shown, ""), ..ran }
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let ran = checked(
        "[serve]\ndatabase = \"x.db\"\n[[source]]\nname = \"a\"\nkind = \"push\"\nsecret_file = \"token\"\n\
         [[override]]\nsubject = \"b/*\"\nthresholds = { local_after = \"1h\" }\n\
         [[override]]\nsubject = \"*/x\"\nthresholds = { local_after = \"1h\" }\n\
         [[override]]\nsubject = \"restic-2/*\"\nthresholds = { local_after = \"1h\" }\n",
        &[("token", 0o644)],
    );
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "the configuration is valid: 1 source\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        ran.stderr,
        "warning: config.toml:8: this override is for nothing: there is no source `b` in this file\n\
         warning: config.toml: nobody is told of anything: the file has no [[owner]]\n\
         warning: every user of this machine may read the secret file token (mode 0644); run chmod 600 token\n"
    );
}

#[test]
fn what_cannot_be_opened_is_told_with_its_line_and_without_what_a_file_has_no_use_for() {
    let push =
        |name: &str| format!("[[source]]\nname = \"{name}\"\nkind = \"push\"\nsecret_file = \"token\"\n");
    let ran = checked(&(push("a") + &push("b")), &[("token", 0o600)]);
    assert_eq!(ran.code, 3);
    assert_eq!(
        ran.stderr,
        "error: config.toml:5: the sources a and b push with the same token; give each its own\n"
    );
    let ran = checked(
        "[[source]]\nname = \"a\"\nkind = \"datto-xml\"\nlocation = \"https://127.0.0.1:1/{key}\"\n",
        &[],
    );
    assert_eq!(
        ran.stderr,
        "error: config.toml:1: a needs a key; set secret_file or secret_env in the configuration\n"
    );
    let ran = checked(&push("a"), &[]);
    assert!(
        ran.stderr.starts_with("error: config.toml:1: the secret file token could not be read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_monitor_hears_of_a_wrong_command_line() {
    for wrong in [["--bogus", ""], ["--at", "x"]] {
        let words = ["check", "--format", "nagios"].into_iter().chain(wrong).filter(|word| !word.is_empty());
        let ran = run(&words.collect::<Vec<_>>());
        assert_eq!(ran.code, 3);
        assert!(
            ran.stdout.starts_with("LASTGOOD UNKNOWN - ") && ran.stdout.lines().count() == 1,
            "{}",
            ran.text()
        );
    }
    let ran = run(&["check", "--at", "9999-12-30T23:00:00Z"]);
    assert!(ran.stderr.contains("the calendar ends at 9999-12-30T22:00:00Z"), "{}", ran.stderr);
}

#[test]
fn the_example_is_valid_where_its_secrets_are_set() {
    let example = run(&["config", "example"]);
    assert_eq!((example.code, example.stderr.as_str()), (0, ""));
    let (sources, rest) =
        example.stdout.split_once("#[[override]]").expect("the overrides stand behind the sources");
    let sources = sources.replace("#secret_env", "secret_env").replace("#public_key", "public_key");
    let filled = format!("{sources}#[[override]]{rest}");
    let mut check = program(&["config", "check", "--config", "/dev/stdin"]);
    check.env("ACME_KEY", "0123456789abcdef0123456789abcdef");
    let ran = feed(check, &filled);
    assert_eq!(ran.text(), "exit 0\n--- stdout\nthe configuration is valid: 7 sources\n--- stderr\n");
}

#[test]
fn the_example_without_secrets_says_which_are_missing() {
    let example = run(&["config", "example"]).stdout;
    let ran = feed(program(&["config", "check", "--config", "/dev/stdin"]), &example);
    compare("config_check_example_without_secrets", &ran);
    assert_eq!(ran.code, 3);
}

#[test]
fn a_broken_template_is_told_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::create_dir_all(folder.path().join("words/4000080/de-CH")).unwrap();
    let template = folder.path().join("words/4000080/de-CH/mail.txt");
    std::fs::write(&template, "Guten Tag\n{{ letter.adress }}\n").unwrap();
    let text = "[[source]]\nkind = 'datto-xml'\nlocation = 'status.xml'\n\
                [[channel]]\nname = 'mail'\nkind = 'mail'\nhost = 'a.example'\nfrom = 'a@example.org'\n\
                [directory.ldap]\nservers = ['ldap://localhost']\nbase = 'dc=example'\ntemplates = 'words'\n";
    std::fs::write(&file, text).unwrap();
    let check = || run(&["config", "check", "--config", file.to_str().unwrap()]);
    let (ran, folder) = (check(), folder.path().to_str().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    let expected = "FOLDER/words/4000080/de-CH/mail.txt:2: undefined value: `letter.adress` is undefined, at `letter.adress`";
    assert_eq!(ran.stderr.replace(folder, "FOLDER").trim(), format!("error: {expected}"));
    std::fs::write(&template, "Guten Tag\n{{ letter.address }}\n").unwrap();
    assert_eq!(check().code, 0);
}

#[test]
fn channels_and_the_key_of_links_are_opened_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let ran = run(&["config", "check", "--config", file.to_str().unwrap()]);
        ran.text().replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    let text = "[serve]\npublic_url = 'https://a.example'\nlink_key_file = 'key'\n\
                [[source]]\nkind = 'datto-xml'\nlocation = 'status.xml'\n\
                [[channel]]\nname = 'page'\nkind = 'command'\ncommand = ['page']\n\
                [[channel]]\nname = 'post'\nkind = 'mail'\nfrom = 'a@example.org'\n";
    insta::assert_snapshot!(check(text), @r#"
    exit 3
    --- stdout
    --- stderr
    error: channel post: `host`: is required, such as "mail.example.org"
    error: the key that signs links was not read: the secret file FOLDER/key could not be read; give its path and let this user read it: No such file or directory (os error 2)
    warning: FOLDER/config.toml: nobody is told of anything: the file has no [[owner]]
    "#);
    let key = folder.path().join("key");
    std::fs::write(&key, "short").unwrap();
    std::fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    insta::assert_snapshot!(check(&format!("{text}host = 'mail.example.org'\n")), @r"
    exit 3
    --- stdout
    --- stderr
    error: the key that signs links has 5 bytes and needs at least 32; make one with: openssl rand -base64 48
    warning: FOLDER/config.toml: nobody is told of anything: the file has no [[owner]]
    ");
    std::fs::write(&key, "k".repeat(32)).unwrap();
    insta::assert_snapshot!(check(&format!("{text}host = 'mail.example.org'\n")), @r"
    exit 0
    --- stdout
    the configuration is valid: 1 source, 2 channels
    --- stderr
    warning: FOLDER/config.toml: nobody is told of anything: the file has no [[owner]]
    ");
}

#[test]
fn the_schema_is_json_and_knows_the_words_of_the_example() {
    let ran = run(&["config", "schema"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let schema = ran.json();
    assert_eq!(schema["type"], "object");
    for word in ["source", "thresholds", "override", "channel", "owner", "serve", "watchdog"] {
        assert!(schema["properties"].get(word).is_some(), "{word} is not in the schema");
    }
}

#[rstest]
fn every_shell_has_completions(#[values("bash", "elvish", "fish", "powershell", "zsh")] shell: &str) {
    let ran = run(&["completions", shell]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for word in ["summary", "explain", "only"] {
        assert!(ran.stdout.contains(word), "{shell} lacks {word}");
    }
}

#[test]
fn bash_can_read_its_completions() {
    let script = run(&["completions", "bash"]).stdout;
    let mut bash = Command::new("bash");
    bash.arg("-n");
    clean(&mut bash);
    let ran = feed(bash, &script);
    assert_eq!(ran.text(), "exit 0\n--- stdout\n--- stderr\n");
}

#[test]
fn the_manual_is_printed_or_written_page_by_page() {
    let page = run(&["man"]);
    assert_eq!(page.code, 0);
    assert!(page.stdout.contains(".TH lastgood 1"), "{}", page.stdout);
    assert!(page.stdout.contains("nothing is bad, but something is unknown"), "{}", page.stdout);
    let folder = tempfile::tempdir().unwrap();
    let written = run(&["man", "--folder", folder.path().to_str().unwrap()]);
    assert_eq!((written.code, written.stdout.as_str()), (0, ""));
    for page in ["lastgood.1", "lastgood-check.1", "lastgood-explain.1", "lastgood-config-check.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    let nowhere = run(&["man", "--folder", "/dev/null/folder"]);
    assert_eq!(nowhere.code, 4, "{}", nowhere.text());
}
