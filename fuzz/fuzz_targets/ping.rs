//! Does any address of a ping, or any text for a mailbox, make its reader panic or let a control character in?

#![no_main]

use lastgood::mailbox;
use lastgood::push::request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let _ = request::read(path, query);
    if let Some(mailbox) = mailbox::read(text) {
        let written = mailbox.to_string();
        assert!(!written.chars().any(char::is_control), "{written:?}");
        // What is kept of it means the same address again.
        let again = mailbox::read(mailbox.email.as_ref()).map(|again| again.email);
        assert_eq!(again, Some(mailbox.email));
    }
});
