//! Where does reading go on behind a tag, comment or field without an end?
//!
//! An open quote, comment or CDATA section swallows all that follows, to the end of the document or to the next quote.
//! That costs the device it stands in. The next device is looked for in what was swallowed, and read again from there.

use lastgood_core::observation::Place;
use quick_xml::events::Event;

use super::document::Document;
use super::fields::{of_device, of_volume};
use super::{End, Level, Reading, Step, explain};

/// How often reading goes on in one document. Each time up to a whole token is read again, so it must be bounded; beyond
/// it the rest is not read, which is said.
const RESUMES_MAX: usize = 100;

/// No tag shorter than this can have swallowed one of a device.
const SWALLOWING_MIN_BYTES: usize = 10;

/// Why a device is lost that the next one cuts off.
pub(super) const NEXT_BEGINS: &str = "the next device begins before its end";

/// A tag of a device within a token that should not hold any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swallowed {
    /// A start tag begins here.
    Start(usize),
    /// An end tag begins here.
    End(usize),
}

impl Swallowed {
    const fn at(self) -> usize {
        match self {
            Self::Start(at) | Self::End(at) => at,
        }
    }
}

/// True for a token that well-formed XML does not have, and that has swallowed a tag of a device. What a CDATA
/// section holds may be anything, so one that ends is believed.
#[inline]
pub(super) fn swallows(event: &Event<'_>) -> bool {
    let token: &str = match event {
        Event::Start(tag) | Event::Empty(tag) => tag,
        Event::End(tag) => tag,
        Event::Comment(text) if text.contains("<!--") => text,
        _ => return false,
    };
    token.len() >= SWALLOWING_MIN_BYTES
        && memchr::memchr(b'<', token.as_bytes()).is_some()
        && swallowed(token.as_bytes()).is_some()
}

/// Finds the first tag of a device behind the first byte.
fn swallowed(token: &[u8]) -> Option<Swallowed> {
    let is_whole_name = |end: usize| {
        token.get(end).is_none_or(|next| next.is_ascii_whitespace() || matches!(next, b'>' | b'/'))
    };
    memchr::memchr_iter(b'<', token).filter(|&at| at > 0).find_map(|at| {
        let behind = &token[at + 1..];
        let is_end = behind.starts_with(b"/");
        let name = &behind[usize::from(is_end)..];
        let end = token.len() - name.len() + "Device".len();
        let is_device = name.starts_with(b"Device") && is_whole_name(end);
        is_device.then_some(if is_end { Swallowed::End(at) } else { Swallowed::Start(at) })
    })
}

impl Reading<'_> {
    /// True within a field of a device or a volume, read or not: a value holds no device, so one that begins there means
    /// that the end of the field is missing.
    pub(super) fn is_in_field(&self) -> bool {
        let [.., (parent, _), (level, start)] = self.levels[..] else { return false };
        let name = &self.names[start..];
        match level {
            Level::DeviceField(_) | Level::VolumeField(_) | Level::Content => true,
            Level::Skip if parent == Level::Device => of_device(name).is_some(),
            Level::Skip if parent == Level::Volume => of_volume(name).is_some(),
            Level::Root
            | Level::Wrapper
            | Level::Device
            | Level::Volumes
            | Level::Volume
            | Level::Machines
            | Level::Skip => false,
        }
    }

    /// Goes on behind a token that is none, for this reason. `Err` if that is not possible.
    ///
    /// 1. The device it stands in is lost; outside of one, the source has a failure.
    /// 2. Reading goes on at the tag of a device that it has swallowed; if there is none, behind the token.
    pub(super) fn resume(&mut self, token: &[u8], why: &str, document: &mut Document<'_>) -> Step {
        let line = document.line();
        let swallowed = swallowed(token);
        let is_lost = swallowed.is_none() && document.is_over();
        if is_lost || self.levels.is_empty() || self.resumed == RESUMES_MAX {
            let reason = document.stop().map_or_else(|| format!("line {line}: {why}"), explain);
            return Err(End::Stopped(reason));
        }
        self.resumed += 1;
        let line = line.saturating_sub(memchr::memchr_iter(b'\n', token).count() as u64);
        let reason = if swallowed.is_some() {
            "a tag, comment or CDATA section in it has no end".to_owned()
        } else {
            why.to_owned()
        };
        self.leave(reason, line, matches!(swallowed, Some(Swallowed::Start(_))));
        document.unread(&token[swallowed.map_or(token.len(), Swallowed::at)..]);
        Ok(())
    }

    /// Leaves what is open, up to where a device may begin if `is_at_device`.
    pub(super) fn leave(&mut self, reason: String, line: u64, is_at_device: bool) {
        let in_device = self.levels.iter().any(|(level, _)| *level == Level::Device);
        if in_device {
            self.break_device(reason, line);
        } else {
            self.lose(Place::source(), format!("line {line}: {reason}"));
        }
        if !is_at_device {
            return;
        }
        let takes_devices = |level: Option<Level>| matches!(level, None | Some(Level::Root | Level::Wrapper));
        while !takes_devices(self.level()) {
            let Some((_, start)) = self.levels.pop() else { break };
            self.names.truncate(start);
        }
        self.text.clear();
        if in_device {
            self.close_device();
        }
    }
}
