//! How does a receiver know that a request is ours, new, and not changed?
//!
//! By a signature as Standard Webhooks 1.0.0 (standardwebhooks.com) asks for: libraries that verify it exist for many
//! languages. It signs bytes; it does not know what they say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;

use crate::channels::Key;
use crate::secret::Secret;

/// What a secret begins with whose rest is the key in base64.
const PREFIX: &str = "whsec_";

/// The shortest key, in bytes. The standard asks for 24; this keeps out what can be guessed.
const KEY_MIN_BYTES: usize = 16;

/// Signs requests.
pub(super) struct Signer(hmac::Key);

impl Signer {
    /// Takes a secret: `whsec_` and base64, or the key itself. `Err` says what is wrong with it, without it.
    pub(super) fn new(secret: &Secret) -> Result<Self, &'static str> {
        let bytes = match secret.expose().strip_prefix(PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| "is not base64 behind `whsec_`")?,
            None => secret.expose().as_bytes().to_vec(),
        };
        if bytes.len() < KEY_MIN_BYTES {
            return Err("holds a key of fewer than 16 bytes; make one with `openssl rand -base64 32`");
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Returns the value of `webhook-signature`: HMAC-SHA256 over `KEY.SECONDS.BODY`.
    pub(super) fn sign(&self, key: &Key, at: Timestamp, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{key}.{}.", at.as_second()).as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // The example of the standard's own libraries.
        let signer =
            Signer::new(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).expect("a good secret");
        let key: Key = "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().expect("a key");
        let at = Timestamp::from_second(1_614_265_330).expect("an instant");
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(signer.sign(&key, at, body), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused() {
        for (secret, is_good) in [
            ("0123456789abcdef", true),
            ("0123456789abcde", false),
            ("whsec_MDEyMzQ1Njc4OWFiY2RlZg==", true),
            ("whsec_MDEyMzQ1Njc4OWFiY2Rl", false),
            ("whsec_geheim geheim geheim", false),
        ] {
            assert_eq!(Signer::new(&Secret::new(secret)).is_ok(), is_good, "{secret}");
        }
    }
}
