//! What do the XML status feeds state about a fleet?
//!
//! Two trees are read, told apart per device by the children it has. The status tree has below its root (of any name,
//! or one level deeper) `Device` elements with `SerialNumber`, `Hostname`, … and `BackupVolumes`/`BackupVolume`; the
//! xmlstatus tree has `Device` with `hostname` and `protectedMachines`. Fields may be attributes or child elements.
//!
//! The document is streamed: memory is bounded by what is stated, not by the document. What does not fit is a failure
//! of the look with its place, and the rest of the fleet is still read. A DTD is refused.

use std::borrow::Cow;
use std::io::BufRead;

use lastgood_core::observation::{
    Collection, Evidence, Extent, Failure, FailureKind, More, MoreOfAsset, Place, RepositoryObservation,
};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};

use self::device::OpenDevice;
use self::document::{Document, Stop, TOKEN_MAX_BYTES, with_line_feeds};
use self::fields::{Field, of_device, of_volume};
use self::resume::{NEXT_BEGINS, swallows};
use self::volume::OpenVolume;
use crate::kinds::DATTO_XML;
use crate::look::{
    DEVICES_MAX, DOCUMENT_MAX_BYTES, EVIDENCE_MAX, Failures, Look, OBSERVATIONS_MAX, VOLUMES_MAX,
};
use crate::reading::date::Season;
use crate::reading::trim;
use crate::unique::UniqueKeys;

mod device;
mod document;
mod fields;
mod lost;
mod resume;
mod volume;

/// How deep elements may be nested: the feeds need five levels.
const DEPTH_MAX: usize = 64;

/// Reads a status document of either tree, plain or gzip, in UTF-8, UTF-16 or any declared encoding.
///
/// Never fails: what cannot be read is a failure in the Collection, and a document that is no status document at all is
/// one whose listing failed.
pub fn parse(document: impl BufRead, look: &Look) -> Collection {
    let mut reader = reader_of(Document::open(document));
    let mut reading = Reading::new(look);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let document = reader.get_mut();
        let met = match &event {
            // A document that cannot be read from its first byte on looks empty to the XML reader.
            Ok(Event::Eof) => {
                Met::Read(Err(document.stop().map_or(End::Document, |stop| End::Stopped(explain(stop)))))
            }
            Ok(event) if swallows(event) => Met::NoToken(String::new()),
            Ok(event) => Met::Read(reading.take(event, document)),
            Err(error) => Met::NoToken(error.to_string()),
        };
        let (step, is_reader_done) = match met {
            Met::Read(step) => (step, false),
            Met::NoToken(why) => (reading.resume(&buffer, &why, document), true),
        };
        if let Err(end) = step {
            return reading.finish(end, document);
        }
        document.end_token();
        if is_reader_done {
            // One that has met an error reads no further.
            reader = reader_of(reader.into_inner());
        }
    }
}

/// What the XML reader gave.
enum Met {
    /// A token, which was read.
    Read(Step),
    /// Something that is no token of well-formed XML: why.
    NoToken(String),
}

fn reader_of(document: Document<'_>) -> quick_xml::Reader<Document<'_>> {
    let mut reader = quick_xml::Reader::from_reader(document);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    // Blanks before the `>` of an end tag are cut in `close`, where they are looked for at one byte only.
    config.trim_markup_names_in_closing_tags = false;
    reader
}

/// Why reading ends.
enum End {
    /// The document is over.
    Document,
    /// It cannot be read any further; what was read stands.
    Stopped(String),
    /// It is nothing we read; nothing of it stands.
    Refused(String),
}

fn explain(stop: &Stop) -> String {
    match stop {
        Stop::TooLarge => {
            format!("the document is larger than {} MiB; the rest was not read", DOCUMENT_MAX_BYTES >> 20)
        }
        Stop::TokenTooLarge => {
            format!("one value or tag is larger than {} KiB; the rest was not read", TOKEN_MAX_BYTES >> 10)
        }
        Stop::Broken(why) => format!("the document broke off: {why}"),
    }
}

/// What an open element is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Root,
    /// An element below the root that is no device; its children may be.
    Wrapper,
    Device,
    DeviceField(Field),
    Volumes,
    Volume,
    VolumeField(Field),
    /// `protectedMachines` of the xmlstatus tree; every child of it is a volume.
    Machines,
    /// A `content` child of a field: its text stands in for the text the field does not have.
    Content,
    /// Anything else: passed over with all it holds.
    Skip,
}

/// What was read so far.
struct Reading<'l> {
    look: &'l Look,
    /// That of the zone of every device that has none of its own.
    season: Season,
    /// The open elements, and where the name of each starts in `names`.
    levels: Vec<(Level, usize)>,
    names: String,
    /// The text of the open field, and of its `content` where it has none of its own.
    text: String,
    content: String,
    /// The open field had a `content` already: the first one counts.
    has_content: bool,
    device: OpenDevice,
    open_volume: OpenVolume,
    devices_met: usize,
    /// How often reading went on behind a token without an end.
    resumed: usize,
    root: Option<Root>,
    keys: UniqueKeys,
    observed: usize,
    evidence_kept: usize,
    collection: Collection,
    failures: Failures,
}

/// What the root element tells of a document without devices.
struct Root {
    name: String,
    /// True if its first attribute, which counts the devices, says 0.
    says_none: bool,
    /// How many devices its first attribute says there are, where its name says that it counts.
    stated_count: Option<u64>,
    /// True if anything stands in it.
    has_content: bool,
}

type Step = Result<(), End>;

impl<'l> Reading<'l> {
    fn new(look: &'l Look) -> Self {
        Self {
            look,
            season: Season::around(look.zones.default_zone(), look.at),
            levels: Vec::new(),
            names: String::new(),
            text: String::new(),
            content: String::new(),
            has_content: false,
            device: OpenDevice::default(),
            open_volume: OpenVolume::default(),
            devices_met: 0,
            resumed: 0,
            root: None,
            keys: UniqueKeys::new(),
            observed: 0,
            evidence_kept: 0,
            collection: Collection {
                source: look.source.clone(),
                kind: &DATTO_XML,
                observed_at: look.at,
                listing: Extent::Complete,
                repositories: Vec::new(),
                failures: Vec::new(),
            },
            failures: Failures::default(),
        }
    }

    #[inline]
    fn take(&mut self, event: &Event<'_>, document: &mut Document<'_>) -> Step {
        match event {
            Event::Start(start) => self.open(start, document),
            Event::Empty(start) => {
                self.open(start, document)?;
                self.close(start.name().as_ref(), document);
                Ok(())
            }
            Event::End(end) => {
                self.close(trim(end.name().as_ref()), document);
                Ok(())
            }
            Event::Text(text) => self.write(&with_line_feeds(text)),
            Event::CData(text) => self.write(&with_line_feeds(text)),
            Event::GeneralRef(reference) => self.write_reference(reference),
            Event::DocType(kind) => Err(End::Refused(explain_doctype(kind))),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn level(&self) -> Option<Level> {
        self.levels.last().map(|(level, _)| *level)
    }

    fn push(&mut self, level: Level, name: &str) {
        self.levels.push((level, self.names.len()));
        self.names.push_str(name);
    }

    fn open(&mut self, start: &BytesStart<'_>, document: &mut Document<'_>) -> Step {
        if self.levels.len() >= DEPTH_MAX {
            let line = document.line();
            return Err(End::Stopped(format!("line {line}: elements are nested deeper than {DEPTH_MAX}")));
        }
        let name = start.name();
        let name = name.as_ref();
        let level = match self.level() {
            None => self.open_root(start, name),
            Some(Level::Root | Level::Wrapper) if name == "Device" => {
                self.open_device(start, document.line())?
            }
            Some(Level::Root) => self.open_other(),
            Some(Level::Device) if name == "Device" => {
                self.abandon_device(document.line());
                self.open_device(start, document.line())?
            }
            Some(Level::Device) => self.open_device_field(start, name),
            Some(Level::Volumes) if name != "BackupVolume" => Level::Skip,
            Some(Level::Volumes | Level::Machines) => self.begin_volume(start, document)?,
            Some(Level::Volume) => self.open_volume_field(start, name),
            Some(_) if name == "Device" && self.is_in_field() => {
                self.leave(NEXT_BEGINS.to_owned(), document.line(), true);
                self.open_device(start, document.line())?
            }
            Some(Level::DeviceField(_) | Level::VolumeField(_)) if name == "content" && !self.has_content => {
                self.has_content = true;
                Level::Content
            }
            Some(
                Level::Wrapper | Level::DeviceField(_) | Level::VolumeField(_) | Level::Content | Level::Skip,
            ) => Level::Skip,
        };
        if matches!(level, Level::Skip | Level::Wrapper) && is_like_one_of_ours(name) {
            self.note_passed_over(name, document.line());
        }
        self.push(level, name);
        Ok(())
    }

    /// Reports an element that is named like a device or a volume and stands where none is read: what it holds is not
    /// among what was judged. Below a field it is a part of that field, which is nobody's device.
    fn note_passed_over(&mut self, name: &str, line: u64) {
        let reason = format!("<{}> stands where none is read, and was passed over", brief(name));
        let levels = || self.levels.iter().map(|(level, _)| *level);
        let in_device = levels().any(|level| level == Level::Device);
        let in_list = levels().any(|level| matches!(level, Level::Volumes | Level::Machines));
        match (in_device, in_list || self.level() == Some(Level::Device)) {
            (true, true) => self.device.lose_volume(reason, line),
            (true, false) => {}
            (false, _) => self.lose(Place::source(), format!("line {line}: {reason}")),
        }
    }

    fn open_root(&mut self, start: &BytesStart<'_>, name: &str) -> Level {
        let first = start.attributes().with_checks(false).next().and_then(Result::ok);
        let says_none = first.as_ref().is_some_and(|count| count.value.trim() == "0");
        let count = first.filter(|attribute| is_called_a_count(attribute.key.as_ref()));
        let stated_count = count.and_then(|count| count.value.trim().parse().ok());
        self.root.get_or_insert_with(|| Root {
            name: name.to_owned(),
            says_none,
            stated_count,
            has_content: false,
        });
        Level::Root
    }

    fn open_other(&mut self) -> Level {
        if let Some(root) = &mut self.root {
            root.has_content = true;
        }
        Level::Wrapper
    }

    fn open_device(&mut self, start: &BytesStart<'_>, line: u64) -> Result<Level, End> {
        self.count_observation()?;
        if self.devices_met == DEVICES_MAX {
            return Err(End::Stopped(format!("more than {DEVICES_MAX} devices; the rest was not read")));
        }
        self.devices_met += 1;
        self.device.begin(line);
        for attribute in start.attributes().with_checks(false) {
            match attribute {
                Ok(attribute) => {
                    self.device.has_fields = true;
                    if let Some(field) = of_device(attribute.key.as_ref()).filter(|field| self.wants(*field))
                    {
                        self.device.set(field, &value_of(&attribute), || line);
                    }
                }
                Err(error) => self.break_device(format!("an attribute cannot be read: {error}"), line),
            }
        }
        Ok(Level::Device)
    }

    fn open_device_field(&mut self, start: &BytesStart<'_>, name: &str) -> Level {
        self.device.has_fields = true;
        match name {
            "BackupVolumes" => {
                self.device.has_status_fields = true;
                self.text.clear();
                Level::Volumes
            }
            "protectedMachines" => {
                self.device.has_bare_fields = true;
                Level::Machines
            }
            _ => match of_device(name).filter(|field| self.wants(*field)) {
                Some(field) => {
                    self.open_value(start);
                    Level::DeviceField(field)
                }
                None => Level::Skip,
            },
        }
    }

    fn begin_volume(&mut self, start: &BytesStart<'_>, document: &mut Document<'_>) -> Result<Level, End> {
        self.count_observation()?;
        self.open_volume.begin(self.level() == Some(Level::Machines));
        for attribute in start.attributes().with_checks(false) {
            match attribute {
                Ok(attribute) => {
                    self.open_volume.has_fields = true;
                    if let Some(field) = of_volume(attribute.key.as_ref()).filter(|field| self.wants(*field))
                    {
                        self.open_volume.set(field, &value_of(&attribute), || document.line());
                    }
                }
                Err(error) => {
                    self.break_device(format!("an attribute cannot be read: {error}"), document.line());
                }
            }
        }
        Ok(Level::Volume)
    }

    fn open_volume_field(&mut self, start: &BytesStart<'_>, name: &str) -> Level {
        self.open_volume.has_fields = true;
        match of_volume(name).filter(|field| self.wants(*field)) {
            Some(field) => {
                self.open_value(start);
                Level::VolumeField(field)
            }
            None => Level::Skip,
        }
    }

    /// True if a field is read: one that no check reads only where details are kept.
    fn wants(&self, field: Field) -> bool {
        self.look.keep_details || !field.is_detail()
    }

    /// Gets ready for the text of a field. A `content` attribute stands in for the text it may not have.
    fn open_value(&mut self, start: &BytesStart<'_>) {
        self.text.clear();
        self.content.clear();
        self.has_content = false;
        let attributes = start.attributes_raw();
        // Nearly every field has an attribute, and nearly none of them has this letter.
        if attributes.as_bytes().contains(&b'c') && attributes.contains("content") {
            let mut attributes = start.attributes();
            let found =
                attributes.with_checks(false).filter_map(Result::ok).find(|a| a.key.as_ref() == "content");
            if let Some(attribute) = found {
                self.content.push_str(&value_of(&attribute));
                self.has_content = true;
            }
        }
    }

    #[inline]
    fn write(&mut self, text: &str) -> Step {
        match self.level() {
            Some(Level::DeviceField(_) | Level::VolumeField(_) | Level::Volumes) => self.text.push_str(text),
            Some(Level::Content) => self.content.push_str(text),
            Some(Level::Root) if !text.trim().is_empty() => {
                self.open_other();
            }
            Some(
                Level::Root | Level::Wrapper | Level::Device | Level::Volume | Level::Machines | Level::Skip,
            )
            | None => {}
        }
        if self.text.len() as u64 > TOKEN_MAX_BYTES || self.content.len() as u64 > TOKEN_MAX_BYTES {
            return Err(End::Stopped(explain(&Stop::TokenTooLarge)));
        }
        Ok(())
    }

    fn write_reference(&mut self, reference: &BytesRef<'_>) -> Step {
        let mut bytes = [0; 4];
        match reference.resolve_char_ref() {
            Ok(Some(character)) => return self.write(character.encode_utf8(&mut bytes)),
            Ok(None) => {}
            Err(_) => return Ok(()),
        }
        match quick_xml::escape::resolve_xml_entity(reference) {
            Some(text) => self.write(text),
            // An entity nobody declared: its spelling is kept as it stands.
            None => self.write(&format!("&{};", &**reference)),
        }
    }

    /// Closes an element.
    ///
    /// 1. The end tag of the innermost open element closes it.
    /// 2. One of an outer element closes all within it; a device they belong to is broken.
    /// 3. One that nothing is open for breaks the device it stands in.
    fn close(&mut self, name: &str, document: &mut Document<'_>) {
        let open = |&(_, start): &(Level, usize), end: usize| &self.names[start..end] == name;
        let mut end = self.names.len();
        let mut matching = None;
        for (index, element) in self.levels.iter().enumerate().rev() {
            if open(element, end) {
                matching = Some(index);
                break;
            }
            end = element.1;
        }
        let Some(matching) = matching else {
            let line = document.line();
            self.break_or_note(format!("the end tag </{}> belongs to nothing", brief(name)), line);
            return;
        };
        if matching + 1 < self.levels.len() {
            let line = document.line();
            self.break_or_note(format!("an element is not closed before </{}>", brief(name)), line);
        }
        while self.levels.len() > matching {
            self.close_innermost(document);
        }
    }

    fn close_innermost(&mut self, document: &mut Document<'_>) {
        let Some((level, start)) = self.levels.pop() else { return };
        self.names.truncate(start);
        match level {
            Level::DeviceField(field) => {
                let value = if self.has_own_text() { &self.text } else { &self.content };
                self.device.set(field, value, || document.line());
            }
            Level::VolumeField(field) => {
                let value = if self.has_own_text() { &self.text } else { &self.content };
                self.open_volume.set(field, value, || document.line());
            }
            Level::Volume => self.close_volume(document),
            Level::Volumes => {
                if !self.text.trim().is_empty() && self.device.volumes.is_empty() {
                    let line = document.line();
                    self.device.lose_volume("BackupVolumes holds text and no volume".to_owned(), line);
                }
                self.text.clear();
            }
            Level::Device => self.close_device(),
            Level::Root | Level::Wrapper | Level::Machines | Level::Content | Level::Skip => {}
        }
    }

    /// True if the text of the open field stands for it, and not its `content`.
    fn has_own_text(&self) -> bool {
        self.content.is_empty() || !self.text.trim().is_empty()
    }

    fn close_volume(&mut self, document: &mut Document<'_>) {
        self.text.clear();
        if self.device.volumes.len() == VOLUMES_MAX {
            self.device.is_flooded = true;
        } else if self.open_volume.has_fields {
            self.device.volumes.push(self.open_volume.close());
        } else {
            let reason = "a volume without any field was not counted".to_owned();
            self.device.lose_volume(reason, document.line());
        }
    }

    fn close_device(&mut self) {
        if let Some((reason, line)) = &self.device.broken {
            let reason = format!("line {line}: {reason}; the device was not judged");
            self.lose(self.device.place(self.devices_met), reason);
        } else if self.device.has_fields {
            let mut repository = self.device.finish(self.look, &self.season, self.devices_met);
            self.limit_evidence(&mut repository);
            self.keys.claim(&mut repository);
            self.device.note_failures(&repository, &mut self.failures);
            self.collection.repositories.push(repository);
        } else {
            let reason = format!("line {}: a device without any field was not counted", self.device.line);
            self.lose(self.device.place(self.devices_met), reason);
        }
    }

    /// Drops the evidence of a device, and says so, once there is too much of it in the whole document.
    fn limit_evidence(&mut self, repository: &mut RepositoryObservation) {
        let of_assets = repository.assets.iter().map(|asset| asset.more.evidence.len()).sum::<usize>();
        self.evidence_kept += repository.evidence.len() + of_assets;
        if self.evidence_kept <= EVIDENCE_MAX || of_assets == 0 {
            return;
        }
        for asset in repository.assets.iter_mut().filter(|asset| !asset.more.evidence.is_empty()) {
            let MoreOfAsset { key, details, .. } = std::mem::take(&mut *asset.more);
            asset.more = More::default();
            if key.is_some() || !details.is_empty() {
                asset.more.key = key;
                asset.more.details = details;
            }
        }
        let note =
            "too much of this document was not read plainly: what its volumes say is judged and not kept";
        repository.evidence.push(Evidence::new("BackupVolume", None, "", note));
    }

    /// Reports something that should be a device, and is not in the list.
    fn lose(&mut self, place: Place, reason: String) {
        self.collection.listing = Extent::Partial;
        self.failures.malformed(place, reason);
    }

    /// A device begins within another one: the other one was never closed.
    fn abandon_device(&mut self, line: u64) {
        self.break_device(NEXT_BEGINS.to_owned(), line);
        let (_, start) = self.levels.pop().expect("a device is open");
        self.names.truncate(start);
        self.close_device();
    }

    fn break_device(&mut self, reason: String, line: u64) {
        self.device.broken.get_or_insert((reason, line));
    }

    fn break_or_note(&mut self, reason: String, line: u64) {
        if self.levels.iter().any(|(level, _)| *level == Level::Device) {
            self.break_device(reason, line);
        } else {
            self.lose(Place::source(), format!("line {line}: {reason}"));
        }
    }

    fn count_observation(&mut self) -> Step {
        self.observed += 1;
        if self.observed > OBSERVATIONS_MAX {
            let reason = format!("more than {OBSERVATIONS_MAX} devices and volumes; the rest was not read");
            return Err(End::Stopped(reason));
        }
        Ok(())
    }

    /// Makes the Collection.
    ///
    /// 1. A document we refuse is a failed look, whatever was read of it before.
    /// 2. One that ends or breaks off inside an element is cut: what was read stands, and the look is partial.
    /// 3. One that has fewer devices than its root states lost some of them before it came: the look is partial.
    /// 4. One without any device is a failed look, unless it says itself that there are none.
    fn finish(mut self, end: End, document: &mut Document<'_>) -> Collection {
        let line = document.line();
        let mut stopped = None;
        match end {
            End::Refused(reason) => {
                let failure = Failure { place: Place::source(), kind: FailureKind::Malformed, reason };
                let Collection { source, kind, observed_at, .. } = self.collection;
                return Collection::failed(source, kind, observed_at, failure);
            }
            End::Stopped(reason) => stopped = Some(reason),
            End::Document if !self.levels.is_empty() => {
                stopped = Some(format!("line {line}: the document ends before its last tag: it was cut"));
            }
            End::Document => {}
        }
        let is_whole = stopped.is_none();
        if let Some(reason) = stopped {
            if self.levels.iter().any(|(level, _)| *level == Level::Device) {
                let place = self.device.place(self.devices_met);
                self.lose(place, format!("line {}: the device is cut and was not judged", self.device.line));
            }
            self.lose(
                Place::source(),
                format!("{reason}; look again, and ask the portal's support if it stays so"),
            );
        }
        let stated = self.root.as_ref().and_then(|root| root.stated_count).unwrap_or_default();
        let met = self.devices_met as u64;
        if is_whole && (1..stated).contains(&met) {
            let reason = format!(
                "the document says that it has {stated} devices, and {met} came; look again, and compare with the portal"
            );
            self.lose(Place::source(), reason);
        }
        if self.devices_met == 0 && (!self.failures.is_empty() || !self.says_none()) {
            self.collection.listing = Extent::Failed;
            let reason = self.explain_no_device();
            self.failures.malformed(Place::source(), reason);
        }
        self.collection.failures = self.failures.into_vec();
        lost::settle(&mut self.collection.failures, &self.collection.repositories);
        self.collection
    }

    fn says_none(&self) -> bool {
        let is_error = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["error", "fault", "exception", "html"].iter().any(|word| name.contains(word))
        };
        self.root.as_ref().is_some_and(|root| root.says_none && !root.has_content && !is_error(&root.name))
    }

    fn explain_no_device(&self) -> String {
        let advice = "check the address and the key";
        match &self.root {
            None => {
                format!("the document is empty or holds no markup, so it is no status document; {advice}")
            }
            Some(root) if root.name.eq_ignore_ascii_case("html") => {
                format!("a web page came instead of a status document, perhaps a login page; {advice}")
            }
            Some(root) => {
                format!("<{}> without any Device is no status document; {advice}", brief(&root.name))
            }
        }
    }
}

/// True for the name of an attribute that says that it counts. What the feed calls the count is not published: an
/// attribute of another name may be a version.
fn is_called_a_count(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["total", "count", "number", "device"].iter().any(|word| name.contains(word))
}

/// True for a name that differs from `Device`, `BackupVolume` or `BackupVolumes` in case or by a prefix at most.
fn is_like_one_of_ours(name: &str) -> bool {
    // Asked of every element that is passed over: the last letter tells nearly all of them apart.
    if !matches!(name.as_bytes().last(), Some(b'e' | b'E' | b's' | b'S')) {
        return false;
    }
    let local = name.rsplit(':').next().unwrap_or(name);
    ["Device", "BackupVolume", "BackupVolumes"].iter().any(|ours| local.eq_ignore_ascii_case(ours))
}

/// Cuts a tag name for a message.
fn brief(name: &str) -> String {
    lastgood_core::observation::cut(name, 40)
}

fn explain_doctype(kind: &str) -> String {
    if kind.trim_start().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("html")) {
        "a web page came instead of a status document, perhaps a login page; check the address and the key"
            .to_owned()
    } else {
        "the document brings a DTD, which is refused: no status feed needs one; check the address".to_owned()
    }
}

/// Reads an attribute's value; one whose entities cannot be resolved is kept as it stands.
fn value_of<'a>(attribute: &'a Attribute<'_>) -> Cow<'a, str> {
    quick_xml::escape::unescape(&attribute.value).unwrap_or(Cow::Borrowed(&attribute.value))
}

#[cfg(test)]
mod tests;
