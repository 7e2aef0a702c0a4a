//! What do the two families of backup clients upload, byte for byte, with the wrong offsets of their versions?
//!
//! sepiola (a window program in Qt) and the Perl script state when a run began and ended and when the next ones are
//! planned, in local time of the client, with an offset that both compute wrongly in their own way. The files and routines
//! follow the facts on stoney backup, 3.1 to 3.8. Knows no folder: see [`tree`](super::tree) for where they go.

use std::fmt::Write as _;

use jiff::civil::{DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::random::Random;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const SCHEMAS: &str = "http://xml.stepping-stone.ch/schema";

/// A moment at a client: what its clock on the wall shows, and by how much its zone truly is ahead of UTC. Today's zones
/// are off by whole quarters of an hour; the Perl routine is emulated for no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    /// The clock on the wall.
    pub local: DateTime,
    /// The true offset.
    pub offset: Offset,
}

impl Wall {
    /// Panics unless both are written as `2026-03-02T20:00:00` and `+05:45`.
    pub fn at(local: &str, offset: &str) -> Self {
        let (sign, clock) = match offset.split_at(1) {
            ("-", clock) => (-1, clock),
            (_, clock) => (1, clock),
        };
        let clock: Time = clock.parse().expect("hours and minutes");
        let seconds = sign * (i32::from(clock.hour()) * 3600 + i32::from(clock.minute()) * 60);
        let offset = Offset::from_seconds(seconds).expect("less than 26 hours");
        Self { local: local.parse().expect("a date and a time"), offset }
    }

    /// What an instant looks like in a zone.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let zoned = Zoned::new(at, zone.clone());
        Self { local: zoned.datetime(), offset: zoned.offset() }
    }

    /// The instant.
    pub fn timestamp(self) -> Timestamp {
        self.offset.to_timestamp(self.local).expect("within the years of clocks")
    }
}

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// The window program.
    Sepiola,
    /// The script.
    Perl,
}

/// One installed client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Which program.
    pub family: Family,
    /// As released; what the files state may differ.
    pub version: String,
    /// What it calls itself. Resellers may re-brand sepiola; the script writes its own name, whatever stands here.
    pub identifier: String,
    /// `Windows`, `MacOSX`, `Linux`, or what Perl's `$^O` says, such as `linux`.
    pub operating_system: String,
}

/// When runs are planned. The script knows custom plans on every day alone, and writes 20:00 for all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// By hand only.
    Never,
    /// So many minutes after the machine has started.
    AfterStartup {
        /// How many.
        minutes: u32,
    },
    /// At a time of the day.
    Custom {
        /// Minute as in the settings: the script copies it as it stands, sepiola writes numbers without leading zeros.
        minute: String,
        /// Hour, likewise.
        hour: String,
        /// 1 is Monday, 7 is Sunday. Seven of them are written as every day, none as no day.
        week_days: Vec<u8>,
    },
}

impl Plan {
    /// Every day at a time.
    pub fn daily(hour: u8, minute: u8) -> Self {
        Self::on(&[1, 2, 3, 4, 5, 6, 7], hour, minute)
    }

    /// On some days of the week (1 is Monday) at a time.
    pub fn on(week_days: &[u8], hour: u8, minute: u8) -> Self {
        Self::Custom {
            minute: format!("{minute:02}"),
            hour: format!("{hour:02}"),
            week_days: week_days.to_vec(),
        }
    }

    /// Every day, with texts as somebody typed them into the settings of the script.
    pub fn verbatim(hour: &str, minute: &str) -> Self {
        Self::Custom {
            minute: minute.to_owned(),
            hour: hour.to_owned(),
            week_days: vec![1, 2, 3, 4, 5, 6, 7],
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Everything was transferred.
    Clean,
    /// Files vanished meanwhile (rsync 24), which neither calls a failure.
    Vanished,
    /// Files could not be read (rsync 23): a failure for the script, a warning for sepiola.
    Unreadable,
    /// The quota was exceeded: a failure for the script, a warning for sepiola.
    QuotaExceeded,
    /// rsync failed.
    Failed,
    /// The user aborted between two steps: a failure for the script, none for sepiola.
    AbortedBetween,
    /// The user aborted the transfer, or the script was sent a signal.
    Aborted,
    /// Power loss, crash or a lost connection: nothing is uploaded.
    Killed,
}

impl End {
    /// What `<success>` says; `None` where no file is uploaded.
    pub fn success(self, family: Family) -> Option<bool> {
        match self {
            Self::Clean | Self::Vanished => Some(true),
            Self::Unreadable | Self::QuotaExceeded | Self::AbortedBetween => Some(family == Family::Sepiola),
            Self::Failed | Self::Aborted => Some(false),
            Self::Killed => None,
        }
    }
}

impl Client {
    /// sepiola on Windows, 2.2.0 or later: earlier ones upload none of these files.
    pub fn sepiola(version: &str) -> Self {
        Self {
            family: Family::Sepiola,
            version: version.to_owned(),
            identifier: "Sepiola Online Backup Client".to_owned(),
            operating_system: "Windows".to_owned(),
        }
    }

    /// The script on Linux, in the release of that version.
    pub fn perl(version: &str) -> Self {
        Self {
            family: Family::Perl,
            version: version.to_owned(),
            identifier: "Online Backup Perl Script".to_owned(),
            operating_system: "linux".to_owned(),
        }
    }

    /// What its files state as the version: four releases of the script forgot to change it.
    pub fn stated_version(&self) -> &str {
        match (self.family, self.version.as_str()) {
            (Family::Perl, "2.0.5" | "2.0.6" | "2.0.7" | "2.0.8") => "2.0.5_pre",
            (Family::Perl | Family::Sepiola, version) => version,
        }
    }

    /// The number of a run, where `seed` is the time or whatever else decides. sepiola's depends on the millisecond alone.
    pub fn run_id(&self, seed: u64) -> u64 {
        match self.family {
            Family::Perl => Random::seeded(seed).within(100_000..=999_999_999),
            Family::Sepiola if self.operating_system == "Windows" => {
                Random::seeded(seed % 1000).within(100_000..=132_767)
            }
            Family::Sepiola => Random::seeded(seed % 1000).within(100_000..=2_147_583_647),
        }
    }

    /// Date and time with the offset as it comes out.
    pub fn date(&self, at: Wall) -> String {
        format!("{}{}", at.local.strftime("%Y-%m-%dT%H:%M:%S"), self.offset(at))
    }

    /// The offset as it comes out.
    pub fn offset(&self, at: Wall) -> String {
        match self.family {
            Family::Sepiola => sepiola_offset(at.offset),
            Family::Perl => perl_offset(at),
        }
    }

    /// `backupStarted.xml`.
    pub fn started(&self, at: Wall, id: u64) -> String {
        let (date, id) = (self.date(at), id.to_string());
        self.stated("backup_started", &[("startdate", &date), ("id", &id)])
    }

    /// `backupEnded.xml`; `None` where the end kept the client from uploading it.
    pub fn ended(&self, at: Wall, id: u64, end: End) -> Option<String> {
        let success = if end.success(self.family)? { "1" } else { "0" };
        let (date, id) = (self.date(at), id.to_string());
        Some(self.stated("backup_ended", &[("enddate", &date), ("id", &id), ("success", success)]))
    }

    /// `scheduler.xml`.
    pub fn scheduler(&self, at: Wall, plan: &Plan) -> String {
        match self.family {
            Family::Sepiola => self.sepiola_schedule(at, plan),
            Family::Perl => self.perl_schedule(at, plan),
        }
    }

    /// A document of plain elements and the client.
    fn stated(&self, root: &str, elements: &[(&str, &str)]) -> String {
        match self.family {
            Family::Sepiola => {
                let mut body = Body::default();
                for (name, text) in elements {
                    body.element(1, name, text);
                }
                self.sepiola_client(&mut body);
                body.finished(root)
            }
            Family::Perl => {
                let blank = if root == "backup_ended" && self.perl_is("2.0.4") { "" } else { " " };
                let mut lines = String::new();
                for (name, text) in elements {
                    line(&mut lines, &format!("\t<{name}>{text}</{name}>"));
                }
                if self.perl_is("2.0.3") {
                    self.perl_client(&mut lines, "    ", "        ");
                }
                self.perl_document(root, blank, &lines)
            }
        }
    }

    fn sepiola_client(&self, body: &mut Body) {
        body.open(1, "client");
        body.element(2, "identifier", &self.identifier);
        body.element(2, "version", self.stated_version());
        body.element(2, "operatingsystem", &self.operating_system);
        body.close(1, "client");
    }

    fn sepiola_schedule(&self, at: Wall, plan: &Plan) -> String {
        let mut body = Body::default();
        match plan {
            Plan::Never => body.empty(1, "no_schedule"),
            Plan::AfterStartup { minutes } => {
                body.open(1, "backup_after_startup");
                body.element(2, "minutes_after_startup", &minutes.to_string());
                body.close(1, "backup_after_startup");
            }
            Plan::Custom { minute, hour, week_days } => {
                body.open(1, "custom_online_backup");
                body.nested("minutes", &[("minute_selected", &unpadded(minute))]);
                body.nested("hours", &[("hour_selected", &unpadded(hour))]);
                body.nested("days_of_month", &[("every_day_of_month", "*")]);
                body.nested("months", &[("everymonth", "*")]);
                let days: Vec<String> =
                    (1..=7).filter(|day| week_days.contains(day)).map(|day: u8| day.to_string()).collect();
                let days: Vec<(&str, &str)> = days.iter().map(|day| ("week_day", day.as_str())).collect();
                let every = [("every_day_of_week", "*")];
                body.nested("days_of_week", if days.len() == 7 { &every } else { &days });
                body.element(2, "timezone", &self.offset(at));
                body.close(1, "custom_online_backup");
            }
        }
        self.sepiola_client(&mut body);
        body.finished("online_backup_schedule")
    }

    fn perl_schedule(&self, at: Wall, plan: &Plan) -> String {
        let (minute, hour) = match plan {
            Plan::Never | Plan::AfterStartup { .. } => ("00", "20"),
            Plan::Custom { minute, hour, .. } => (minute.as_str(), hour.as_str()),
        };
        let nested = [
            ("minutes", "minute_selected", minute),
            ("hours", "hour_selected", hour),
            ("days_of_month", "every_day_of_month", "*"),
            ("months", "everymonth", "*"),
            ("days_of_week", "every_day_of_week", "*"),
        ];
        // The first releases indent by one blank and then by two, those that name the client by two.
        let (outer, inner, innermost) =
            if self.perl_is("2.0.3") { ("  ", "    ", "      ") } else { (" ", "   ", "     ") };
        let mut lines = " \n".to_owned();
        line(&mut lines, &format!("{outer}<custom_online_backup>"));
        for (around, name, text) in nested {
            line(&mut lines, &format!("{inner}<{around}>"));
            line(&mut lines, &format!("{innermost}<{name}>{text}</{name}>"));
            line(&mut lines, &format!("{inner}</{around}>"));
        }
        line(&mut lines, &format!("{inner}<timezone>{}</timezone>", self.offset(at)));
        let is_inside = self.perl_is("2.0.3") && !self.perl_is("2.0.4");
        if is_inside {
            self.perl_client(&mut lines, inner, innermost);
        }
        line(&mut lines, &format!("{outer}</custom_online_backup>"));
        if self.perl_is("2.0.4") {
            self.perl_client(&mut lines, outer, inner);
        }
        lines.push_str(" \n");
        self.perl_document("online_backup_schedule", " ", &lines)
    }

    fn perl_client(&self, lines: &mut String, outer: &str, inner: &str) {
        line(lines, &format!("{outer}<client>"));
        line(lines, &format!("{inner}<identifier>Online Backup Perl Script</identifier>"));
        line(lines, &format!("{inner}<version>{}</version>", self.stated_version()));
        line(lines, &format!("{inner}<operatingsystem>{}</operatingsystem>", self.operating_system));
        line(lines, &format!("{outer}</client>"));
    }

    /// Nothing is escaped. Until 2.0.1 a shell wrote the file, and its end of line with it.
    fn perl_document(&self, root: &str, blank: &str, lines: &str) -> String {
        let end = if self.perl_is("2.0.3") { "" } else { "\n" };
        format!(
            "<?xml version=\"1.0\"?>\n{blank}\n<{root}\nxmlns:xsi=\"{INSTANCE}\"\n\
             xsi:schemaLocation=\"{SCHEMAS}/{root} {root}.xsd\">\n{lines}</{root}>{end}"
        )
    }

    /// Whether the release is this one or a later one.
    fn perl_is(&self, version: &str) -> bool {
        let numbers =
            |text: &str| -> Vec<u32> { text.split(['.', '_']).map_while(|part| part.parse().ok()).collect() };
        numbers(&self.version) >= numbers(version)
    }
}

/// What Qt's writer of XML makes with its automatic format: four blanks for each level.
#[derive(Debug, Default)]
struct Body(String);

impl Body {
    fn open(&mut self, level: usize, name: &str) {
        self.line(level, format_args!("<{name}>"));
    }

    fn close(&mut self, level: usize, name: &str) {
        self.line(level, format_args!("</{name}>"));
    }

    fn empty(&mut self, level: usize, name: &str) {
        self.line(level, format_args!("<{name}/>"));
    }

    fn element(&mut self, level: usize, name: &str, text: &str) {
        let text =
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        self.line(level, format_args!("<{name}>{text}</{name}>"));
    }

    fn nested(&mut self, around: &str, elements: &[(&str, &str)]) {
        if elements.is_empty() {
            return self.empty(2, around);
        }
        self.open(2, around);
        for (name, text) in elements {
            self.element(3, name, text);
        }
        self.close(2, around);
    }

    fn line(&mut self, level: usize, text: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{:1$}{text}", "", level * 4).expect("a string takes all text");
    }

    fn finished(self, root: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns:xsi=\"{INSTANCE}\" \
             xsi:schemaLocation=\"{SCHEMAS}/{root} {root}.xsd\">\n{}</{root}>\n",
            self.0
        )
    }
}

fn line(lines: &mut String, text: &str) {
    lines.extend([text, "\n"]);
}

fn unpadded(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |number: u32| number.to_string())
}

/// Seconds in 32 bits without a sign: what is west of Greenwich wraps around.
fn sepiola_offset(offset: Offset) -> String {
    let seconds = offset.seconds().cast_unsigned();
    let sign = if seconds > 0 { '+' } else { '-' };
    format!("{sign}{:02}:{:02}", seconds / 3600, seconds % 3600 / 60)
}

/// Hours and minutes of two clocks subtracted whatever their dates, made an hour with decimals, whose digits times six are
/// taken for minutes: right for a half (`5`), not for a quarter (`25`) or three (`75`).
fn perl_offset(at: Wall) -> String {
    let utc = Offset::UTC.to_datetime(at.timestamp());
    let minute_of = |clock: DateTime| i32::from(clock.hour()) * 60 + i32::from(clock.minute());
    let minutes = minute_of(at.local) - minute_of(utc);
    let sign = if minutes > 0 { '+' } else { '-' };
    let (hours, rest) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
    match rest {
        0 => format!("{sign}{hours:02}:00"),
        15 | 30 | 45 => {
            let hundredths = rest * 100 / 60;
            let digits = if hundredths % 10 == 0 { hundredths / 10 } else { hundredths };
            format!("{sign}{hours:02}:{}", digits * 6)
        }
        other => panic!("no zone is off by {other} minutes: the routine is not emulated for it"),
    }
}

#[cfg(test)]
mod tests;
