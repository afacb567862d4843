//! Groups of equally full rows, found by their free space.

use crate::spaces::SpaceSet;

pub(crate) const NONE: u32 = u32::MAX;

/// Rows `offset..offset + rows` of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) node: u32,
    pub(crate) offset: u32,
    pub(crate) rows: u32,
    /// The next group of the class.
    pub(crate) next: u32,
}

/// Groups by free space.
pub(crate) struct Classes {
    spaces: SpaceSet,
    newest: Vec<u32>,
    groups: Vec<Group>,
    /// The first of a chain of groups that are used again.
    unused: u32,
}

impl Classes {
    pub(crate) fn new(capacity: u32) -> Self {
        let spaces = SpaceSet::new(capacity as usize);
        Self { spaces, newest: vec![NONE; capacity as usize + 1], groups: Vec::new(), unused: NONE }
    }

    pub(crate) fn push(&mut self, space: u32, group: Group) {
        let head = &mut self.newest[space as usize];
        if *head == NONE {
            self.spaces.insert(space as usize);
        }
        let group = Group { next: *head, ..group };
        if self.unused == NONE {
            *head = self.groups.len() as u32;
            self.groups.push(group);
        } else {
            *head = self.unused;
            let slot = &mut self.groups[self.unused as usize];
            self.unused = slot.next;
            *slot = group;
        }
    }

    /// A group of the smallest class with that much space.
    pub(crate) fn pop(&mut self, length: u32) -> Option<(u32, Group)> {
        let space = self.spaces.at_least(length as usize)?;
        let head = &mut self.newest[space];
        let index = *head;
        let slot = &mut self.groups[index as usize];
        let group = *slot;
        *head = group.next;
        if group.next == NONE {
            self.spaces.remove(space);
        }
        slot.next = self.unused;
        self.unused = index;
        Some((space as u32, group))
    }

    /// All groups by rising free space, of equally full ones those that were filled first; `closed` ones, which take
    /// nothing more, after the full ones.
    pub(crate) fn into_groups(self, closed: &[Group]) -> Vec<Group> {
        let mut groups = Vec::new();
        for (space, &newest) in self.newest.iter().enumerate() {
            let (before, mut at) = (groups.len(), newest);
            while at != NONE {
                groups.push(self.groups[at as usize]);
                at = self.groups[at as usize].next;
            }
            groups[before..].reverse();
            if space == 0 {
                groups.extend_from_slice(closed);
            }
        }
        groups
    }
}
