//! How do the commands that speak with Grafolean reach its backend? Their arguments, and the way to a client.

use std::path::PathBuf;

use lastgood_collector::grafolean::{Client, SetupError, Token, TokenError};

use super::looking::Trouble;
use crate::exit::Exit;

/// The variable that holds the address of the backend.
const URL_VARIABLE: &str = "BACKEND_URL";

/// The variable that holds the token itself.
const TOKEN_VARIABLE: &str = "BOT_TOKEN";

/// The variable that names the file with the token.
const TOKEN_FILE_VARIABLE: &str = "BOT_TOKEN_FROM_FILE";

/// Which backend, and as whom.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Backend {
    /// The address of the Grafolean backend, which ends in /api [default: `$BACKEND_URL`]
    #[arg(long, value_name = "URL")]
    backend_url: Option<String>,
    /// The file that holds the token of the bot [default: `$BOT_TOKEN_FROM_FILE`, else the token itself in
    /// `$BOT_TOKEN`]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Why there is no client; holds no token.
#[derive(Debug, thiserror::Error)]
enum BackendError {
    #[error("the address of the Grafolean backend is missing; give --backend-url, or set {URL_VARIABLE}")]
    NoUrl,
    #[error(
        "the token of the bot is missing; give --token-file, or set {TOKEN_FILE_VARIABLE} or {TOKEN_VARIABLE}"
    )]
    NoToken,
    #[error(
        "the environment variables {TOKEN_VARIABLE} and {TOKEN_FILE_VARIABLE} are both set; set one of them"
    )]
    TwoTokens,
    #[error("the environment variable {TOKEN_VARIABLE} cannot be used")]
    InVariable(#[source] TokenError),
    #[error(transparent)]
    InFile(TokenError),
    #[error(transparent)]
    Setup(SetupError),
}

impl Backend {
    /// Makes a client; asks nothing of the backend.
    pub(super) fn client(&self) -> Result<Client, Trouble> {
        self.connect(&variable).map_err(|error| Trouble::new(&error, Exit::Usage))
    }

    fn connect(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Client, BackendError> {
        let url = self.backend_url.clone().or_else(|| variable(URL_VARIABLE)).ok_or(BackendError::NoUrl)?;
        let token = self.token(variable)?;
        Client::new(&url, token).map_err(BackendError::Setup)
    }

    /// What the command line names wins over the environment.
    fn token(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Token, BackendError> {
        if let Some(file) = &self.token_file {
            return Token::from_file(file).map_err(BackendError::InFile);
        }
        match (variable(TOKEN_VARIABLE), variable(TOKEN_FILE_VARIABLE)) {
            (None, None) => Err(BackendError::NoToken),
            (Some(_), Some(_)) => Err(BackendError::TwoTokens),
            (Some(token), None) => Token::new(&token).map_err(BackendError::InVariable),
            (None, Some(file)) => Token::from_file(file.as_ref()).map_err(BackendError::InFile),
        }
    }
}

/// Returns an environment variable; an empty one counts as not set.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TOKEN: &str = "5eeded00-0000-4000-8000-000000000001";

    #[track_caller]
    fn told(backend: &Backend, set: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            set.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        match backend.connect(&variable) {
            Ok(client) => format!("{client:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn address_and_token_come_from_arguments_or_environment() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("token");
        fs::write(&file, format!("{TOKEN}\n")).expect("a writable folder");
        let named = file.to_str().expect("UTF-8");
        let none = Backend::default();
        let url = (URL_VARIABLE, "http://127.0.0.1:1/api");
        assert!(told(&none, &[url, (TOKEN_VARIABLE, TOKEN)]).starts_with("Client"));
        assert!(told(&none, &[url, (TOKEN_FILE_VARIABLE, named)]).starts_with("Client"));
        let given =
            Backend { backend_url: Some("http://127.0.0.1:2/api".to_owned()), token_file: Some(file) };
        let shown = told(&given, &[url, (TOKEN_VARIABLE, "nonsense"), (TOKEN_FILE_VARIABLE, "none")]);
        assert!(shown.contains("127.0.0.1:2"), "{shown}");
        assert!(!shown.contains(TOKEN), "{shown}");
    }

    #[test]
    fn what_is_missing_or_there_twice_is_told_without_the_token() {
        let none = Backend::default();
        let url = (URL_VARIABLE, "http://127.0.0.1:1/api");
        assert!(told(&none, &[]).contains("--backend-url"));
        assert!(told(&none, &[url]).contains("--token-file"));
        let both = told(&none, &[url, (TOKEN_VARIABLE, TOKEN), (TOKEN_FILE_VARIABLE, "x")]);
        assert!(both.contains("both set") && !both.contains(TOKEN), "{both}");
        let wrong = told(&none, &[url, (TOKEN_VARIABLE, "hunter2")]);
        assert!(wrong.contains(TOKEN_VARIABLE) && !wrong.contains("hunter2"), "{wrong}");
    }
}
