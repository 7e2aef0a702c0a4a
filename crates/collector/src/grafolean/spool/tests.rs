//! Does a spool lose nothing, keep its order and its bound, whatever happens to it?

use std::fs;

use proptest::prelude::*;

use super::*;

const AMPLE: u64 = 1024 * 1024;

fn value(number: u32) -> Value {
    Value::new("a.b", f64::from(number), Second(i64::from(number))).unwrap()
}

fn values(numbers: impl IntoIterator<Item = u32>) -> Vec<Value> {
    numbers.into_iter().map(value).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was made of such a number")]
fn numbers(batch: &Batch) -> Vec<u32> {
    batch.values.iter().map(|(_, value)| value.number() as u32).collect()
}

/// Spends the first values of an account and returns them.
fn spend(spool: &mut Spool, account_id: i64, count: usize) -> Vec<u32> {
    let batch = spool.first(account_id, count).unwrap();
    let ends: Vec<_> = batch.values.iter().map(|(end, _)| *end).collect();
    spool.spend(account_id, &ends, batch.end);
    numbers(&batch)
}

fn all(spool: &mut Spool, account_id: i64) -> Vec<u32> {
    numbers(&spool.first(account_id, usize::MAX).unwrap())
}

fn segment_files(folder: &Path, account_id: i64) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join(format!("account-{account_id}"))) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "values"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_waits_survives_a_restart_and_what_was_spent_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Spool::open(Some(folder.path()), AMPLE).unwrap();
    let mut spool = open();
    spool.append(7, &values(0..10));
    assert_eq!(spend(&mut spool, 7, 4), [0, 1, 2, 3]);
    drop(spool);
    let mut spool = open();
    assert_eq!((spool.accounts(), spool.waiting_count()), (vec![7], 6));
    assert_eq!(spool.oldest_at(), Some(Second(4)));
    spool.append(7, &values(10..12));
    assert_eq!(all(&mut spool, 7), [4, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(spend(&mut spool, 7, usize::MAX).len(), 8);
    assert_eq!((spool.waiting_count(), spool.waiting_bytes(), spool.oldest_at()), (0, 0, None));
    assert!(segment_files(folder.path(), 7).is_empty(), "nothing is left behind");
    drop(spool);
    let mut spool = open();
    spool.append(7, &values([12]));
    assert_eq!(all(&mut spool, 7), [12]);
}

#[test]
fn a_folder_belongs_to_one_spool_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("spool");
    let spool = Spool::open(Some(&path), AMPLE).unwrap();
    let error = Spool::open(Some(&path), AMPLE).err().unwrap();
    assert!(matches!(error, SpoolError::InUse(_)), "{error}");
    drop(spool);
    assert!(Spool::open(Some(&path), AMPLE).is_ok());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_write_the_folder_or_read_the_values() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut spool = Spool::open(Some(&path), AMPLE).unwrap();
    spool.append(7, &values(0..2));
    spend(&mut spool, 7, 1);
    spool.put_aside(7, &value(9), "why");
    assert_eq!((mode(&path), mode(&path.join("account-7"))), (0o700, 0o700));
    for file in ["lock", "refused-7.jsonl", "account-7/head", "account-7/00000000000000000001.values"] {
        assert_eq!(mode(&path.join(file)), 0o600, "{file}");
    }
    drop(spool);
    for others in [0o770, 0o707, 0o722, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(others)).unwrap();
        let error = Spool::open(Some(&path), AMPLE).err().unwrap().to_string();
        assert!(error.contains("chmod go-w") && error.contains(&format!("{others:o}")), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Spool::open(Some(&path), AMPLE).is_ok());
}

#[test]
fn a_full_spool_drops_the_oldest_of_whoever_has_the_most() {
    for on_disk in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(on_disk.then_some(folder.path()), 64 * 1024).unwrap();
        spool.append(1, &values(0..10));
        let mut appended = 10;
        for start in (0..10_000).step_by(100) {
            spool.append(2, &values(start..start + 100));
            appended += 100;
            assert!(spool.bytes <= 64 * 1024, "{}", spool.bytes);
        }
        assert_eq!(all(&mut spool, 1).len(), 10, "the small one keeps all");
        let rest = all(&mut spool, 2);
        assert_eq!(rest.last(), Some(&9_999));
        assert!(rest.windows(2).all(|pair| pair[0] + 1 == pair[1]), "the newest are there without a gap");
        assert!(rest.len() > 500, "{}", rest.len());
        assert_eq!(spool.waiting_count() + spool.dropped_count(), appended);
    }
}

#[test]
fn a_smaller_bound_after_a_restart_holds_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(Some(folder.path()), AMPLE).unwrap();
    for start in (0..20_000).step_by(1_000) {
        spool.append(2, &values(start..start + 1_000));
    }
    drop(spool);
    let spool = Spool::open(Some(folder.path()), 300_000).unwrap();
    assert!(spool.bytes <= 300_000 && spool.waiting_count() > 0);
    assert_eq!(spool.waiting_count() + spool.dropped_count(), 20_000);
}

#[test]
fn a_file_that_is_gone_or_cut_is_skipped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(Some(folder.path()), 64 * 1024).unwrap();
    spool.append(7, &values(0..1_000));
    let files = segment_files(folder.path(), 7);
    assert!(files.len() > 3);
    fs::remove_file(&files[0]).unwrap();
    fs::OpenOptions::new().write(true).open(&files[1]).unwrap().set_len(0).unwrap();
    let mut rest = Vec::new();
    while spool.waiting_count() > 0 {
        rest.extend(spend(&mut spool, 7, 50));
    }
    assert_eq!(rest.last(), Some(&999));
    assert_eq!(spool.dropped_count() + rest.len() as u64, 1_000);
}

#[test]
fn a_line_cut_by_a_crash_is_skipped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Spool::open(Some(folder.path()), AMPLE).unwrap();
    open().append(7, &values(0..3));
    let file = segment_files(folder.path(), 7).remove(0);
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(file.metadata().unwrap().len() - 5).unwrap();
    let mut spool = open();
    assert_eq!((spool.waiting_count(), spool.dropped_count()), (2, 1));
    spool.append(7, &values(3..5));
    assert_eq!(spend(&mut spool, 7, 10), [0, 1, 3, 4]);
    assert_eq!((spool.waiting_count(), spool.bytes), (0, 0));
}

#[test]
fn a_disk_that_cannot_be_written_costs_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(Some(folder.path()), AMPLE).unwrap();
    spool.append(7, &values(0..2));
    // A file where the folder of the account is to be: also root cannot write into that.
    fs::write(folder.path().join("account-8"), "").unwrap();
    spool.append(8, &values(2..4));
    spool.append(8, &values(4..5));
    assert_eq!(spool.in_memory_count(), 3);
    fs::remove_file(folder.path().join("account-8")).unwrap();
    spool.append(8, &values(5..6));
    assert_eq!((spool.in_memory_count(), spool.waiting_count()), (3, 6));
    assert_eq!(spend(&mut spool, 8, 10), [2, 3, 4, 5]);
    assert_eq!(spend(&mut spool, 7, 10), [0, 1]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_no_empty_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(Some(folder.path()), AMPLE).unwrap();
    let account = folder.path().join("account-7");
    fs::create_dir(&account).unwrap();
    for number in 1..=3 {
        // Where the next file would be made: every write fails there for want of space.
        let next = account.join(format!("{:020}.values", 2 * number - 1));
        std::os::unix::fs::symlink("/dev/full", next).unwrap();
        spool.append(7, &values([number]));
        assert_eq!(spool.in_memory_count(), u64::from(number));
        assert!(segment_files(folder.path(), 7).is_empty());
    }
    spool.append(7, &values([4]));
    assert_eq!((spool.in_memory_count(), spool.waiting_count()), (3, 4));
    assert_eq!(all(&mut spool, 7), [1, 2, 3, 4]);
    drop(spool);
    let mut spool = Spool::open(Some(folder.path()), AMPLE).unwrap();
    assert_eq!((all(&mut spool, 7), spool.dropped_count()), (vec![4], 0));
}

#[cfg(unix)]
#[test]
fn a_folder_of_others_is_no_place_for_a_spool() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let open = || Spool::open(Some(folder.path()), AMPLE).map(drop);
    let words = open().unwrap_err().to_string();
    assert!(words.contains("name a folder of its own below it") && !words.contains("chmod"), "{words}");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o775)).unwrap();
    assert!(open().unwrap_err().to_string().contains("run: chmod go-w"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let account = folder.path().join("account-7");
    fs::create_dir(&account).unwrap();
    fs::set_permissions(&account, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(open().unwrap_err().to_string().contains("account-7"));
    fs::set_permissions(&account, fs::Permissions::from_mode(0o700)).unwrap();
    open().unwrap();
    // Only root can give a folder away; for all others the root of the system is somebody else's.
    let is_root = chown(&account, Some(4242), None).is_ok();
    let error = if is_root { open() } else { Spool::open(Some(Path::new("/")), AMPLE).map(drop) };
    assert!(matches!(error, Err(SpoolError::NotOurs { .. })), "{error:?}");
}

#[test]
fn a_refused_value_is_kept_apart_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(Some(folder.path()), AMPLE).unwrap();
    spool.put_aside(7, &value(1), "a \"reason\"");
    spool.put_aside(7, &value(2), "why");
    let text = fs::read_to_string(folder.path().join("refused-7.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], serde_json::json!({"p": "a.b", "v": 1.0, "t": 1, "why": "a \"reason\""}));
}

/// What may happen to a spool.
#[derive(Clone, Debug)]
enum Step {
    Append(i64, u32),
    Spend(i64, usize),
    /// The process is killed and starts again.
    Restart,
    /// The process is killed while it writes: of the last line of an account only a part is there.
    Tear(i64, u64),
    /// What was noted as sent is damaged.
    LoseHead(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let account = 1..3_i64;
    prop_oneof![
        4 => (account.clone(), 1..200_u32).prop_map(|(account, count)| Step::Append(account, count)),
        3 => (account.clone(), 1..300_usize).prop_map(|(account, count)| Step::Spend(account, count)),
        1 => Just(Step::Restart),
        1 => (account.clone(), 1..20_u64).prop_map(|(account, bytes)| Step::Tear(account, bytes)),
        1 => account.prop_map(Step::LoseHead),
    ]
}

/// A spool and what must be in it.
struct Story {
    folder: tempfile::TempDir,
    spool: Option<Spool>,
    next: u32,
    appended: [Vec<u32>; 2],
    /// Up to where each was spent.
    spent: [usize; 2],
    torn_count: u64,
}

impl Story {
    fn spool(&mut self) -> &mut Spool {
        let folder = self.folder.path();
        self.spool.get_or_insert_with(|| Spool::open(Some(folder), 64 * 1024).unwrap())
    }

    fn index(account: i64) -> usize {
        usize::try_from(account - 1).unwrap()
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Append(account, count) => {
                let new = self.next..self.next + count;
                self.next += count;
                self.appended[Self::index(account)].extend(new.clone());
                self.spool().append(account, &values(new));
            }
            Step::Spend(account, count) => {
                let first = spend(self.spool(), account, count);
                let expected = &self.appended[Self::index(account)][self.spent[Self::index(account)]..];
                assert_eq!(first, expected[..first.len()], "the first ones, in order, none twice");
                assert_eq!(first.len(), count.min(expected.len()));
                self.spent[Self::index(account)] += first.len();
            }
            Step::Restart => self.spool = None,
            Step::Tear(account, bytes) => self.tear(account, bytes),
            Step::LoseHead(account) => {
                self.spool = None;
                let head = self.folder.path().join(format!("account-{account}/head"));
                if head.exists() {
                    fs::write(head, "00").unwrap();
                    self.come_back(account);
                }
            }
        }
    }

    fn tear(&mut self, account: i64, bytes: u64) {
        self.spool = None;
        let index = Self::index(account);
        let Some(last) = segment_files(self.folder.path(), account).pop() else { return };
        let is_whole = fs::read(&last).unwrap().ends_with(b"\n");
        if is_whole && self.appended[index].len() > self.spent[index] {
            let file = fs::OpenOptions::new().write(true).open(last).unwrap();
            file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
            // Every line is longer than what is torn off: one value was being written, and is not there.
            self.appended[index].pop();
            self.torn_count += 1;
        }
    }

    /// Values of the segment being spent come back; only that far, and only if what was noted is lost.
    fn come_back(&mut self, account: i64) {
        let index = Self::index(account);
        let first = all(self.spool(), account).first().copied();
        let place = first.and_then(|first| self.appended[index].iter().position(|number| *number == first));
        if let Some(place) = place {
            assert!(place <= self.spent[index], "nothing is skipped");
            self.spent[index] = place;
        }
    }

    fn check(&mut self) {
        for account in 1..3 {
            let expected = self.appended[Self::index(account)][self.spent[Self::index(account)]..].to_vec();
            assert_eq!(all(self.spool(), account), expected);
            assert_eq!(self.spool().waiting_count_of(account), expected.len() as u64);
        }
        let torn_count = self.torn_count;
        assert!(self.spool().dropped_count() <= torn_count, "only what was torn is lost");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_lost_or_out_of_order(steps in proptest::collection::vec(step(), 1..12)) {
        let mut story = Story {
            folder: tempfile::tempdir().unwrap(),
            spool: None,
            next: 0,
            appended: Default::default(),
            spent: [0; 2],
            torn_count: 0,
        };
        for step in &steps {
            story.step(step);
            story.check();
        }
    }

    #[test]
    fn whatever_comes_the_bound_is_kept_and_the_lost_are_counted(
        steps in proptest::collection::vec((1..4_i64, 1..600_u32, 0..400_usize), 1..20),
        on_disk in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(on_disk.then_some(folder.path()), 32 * 1024).unwrap();
        let (mut next, mut spent) = (0, 0);
        for (account, count, spend_count) in steps {
            spool.append(account, &values(next..next + count));
            next += count;
            prop_assert!(spool.bytes <= 32 * 1024);
            let first = spend(&mut spool, account, spend_count);
            prop_assert!(first.windows(2).all(|pair| pair[0] < pair[1]));
            spent += first.len() as u64;
            prop_assert_eq!(spool.waiting_count() + spool.dropped_count() + spent, u64::from(next));
        }
    }
}
