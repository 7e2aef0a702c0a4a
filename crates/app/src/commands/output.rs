//! How does an answer reach standard output? Styled for a terminal only, and a reader that went away is no failure.

use std::io::{self, ErrorKind, Write};

use super::looking::complain;
use crate::exit::Exit;

/// Writes an answer. `styled` text loses its styles where standard output is no terminal.
pub(super) fn print(styled: bool, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Exit> {
    let written = if styled {
        let mut out = anstream::AutoStream::auto(io::stdout());
        write(&mut out).and_then(|()| out.flush())
    } else {
        let mut out = io::stdout().lock();
        write(&mut out).and_then(|()| out.flush())
    };
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(complain(&error, Exit::OwnFailure)),
        _ => Ok(()),
    }
}
