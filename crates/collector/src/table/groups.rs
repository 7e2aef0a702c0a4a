//! How many jobs of a group may run at once, and who waits for their turn?

use std::collections::{HashMap, VecDeque};

use super::Slot;

/// A group; [`Groups::NONE`] is that of the jobs without one and knows no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupId(u32);

#[derive(Debug)]
struct Group {
    /// How many may run at once.
    running_max: u32,
    /// How many run, or stand in the queue to be started.
    admitted: u32,
    /// The others, in the order they fell due.
    waiting: VecDeque<Slot>,
}

/// All groups there ever were; their names are few.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    ids: HashMap<Box<str>, u32>,
}

impl Groups {
    pub(super) const NONE: GroupId = GroupId(u32::MAX);

    /// Finds or makes a group; the limit stated last holds.
    pub(super) fn named(&mut self, name: &str, running_max: u32) -> GroupId {
        if let Some(id) = self.ids.get(name) {
            self.groups[*id as usize].running_max = running_max;
            return GroupId(*id);
        }
        let id = u32::try_from(self.groups.len()).expect("memory ends before the groups do");
        self.groups.push(Group { running_max, admitted: 0, waiting: VecDeque::new() });
        self.ids.insert(name.into(), id);
        GroupId(id)
    }

    /// Whether a job that fell due may go to the queue; otherwise it waits here.
    pub(super) fn admit(&mut self, id: GroupId, slot: Slot) -> bool {
        let Some(group) = self.groups.get_mut(id.0 as usize) else { return true };
        if group.admitted < group.running_max {
            group.admitted += 1;
            return true;
        }
        group.waiting.push_back(slot);
        false
    }

    /// One that was admitted is through; the jobs that may go to the queue in its place.
    pub(super) fn release(&mut self, id: GroupId, queue: &mut VecDeque<Slot>) {
        let Some(group) = self.groups.get_mut(id.0 as usize) else { return };
        group.admitted -= 1;
        while group.admitted < group.running_max {
            let Some(next) = group.waiting.pop_front() else { break };
            group.admitted += 1;
            queue.push_back(next);
        }
    }

    /// Whether so many wait here, and none without need.
    #[cfg(test)]
    pub(super) fn check(&self, waiting_count: usize) {
        assert_eq!(self.groups.iter().map(|group| group.waiting.len()).sum::<usize>(), waiting_count);
        for group in &self.groups {
            assert!(group.admitted <= group.running_max, "{group:?}");
            assert!(group.waiting.is_empty() || group.admitted == group.running_max, "{group:?}");
        }
    }
}
