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

/// Groups by free space, those with the same in the order they came to have it: a textbook takes the oldest row among
/// equals, and where rows may have so many pieces only, that decides who fills up.
pub(crate) struct Classes {
    spaces: SpaceSet,
    /// The oldest and the newest group of each class.
    ends: Vec<(u32, u32)>,
    groups: Vec<Group>,
    /// The first of a chain of groups that are used again.
    unused: u32,
}

impl Classes {
    pub(crate) fn new(capacity: u32) -> Self {
        let spaces = SpaceSet::new(capacity as usize);
        Self { spaces, ends: vec![(NONE, NONE); capacity as usize + 1], groups: Vec::new(), unused: NONE }
    }

    fn store(&mut self, group: Group) -> u32 {
        if self.unused == NONE {
            self.groups.push(group);
            return self.groups.len() as u32 - 1;
        }
        let index = self.unused;
        let slot = &mut self.groups[index as usize];
        self.unused = slot.next;
        *slot = group;
        index
    }

    /// Rows that now have this space.
    pub(crate) fn push(&mut self, space: u32, group: Group) {
        let index = self.store(Group { next: NONE, ..group });
        let (oldest, newest) = &mut self.ends[space as usize];
        if *oldest == NONE {
            *oldest = index;
            self.spaces.insert(space as usize);
        } else {
            self.groups[*newest as usize].next = index;
        }
        *newest = index;
    }

    /// Rows that have had this space all along: what is left of a group that was popped.
    pub(crate) fn put_back(&mut self, space: u32, group: Group) {
        let (oldest, newest) = self.ends[space as usize];
        let index = self.store(Group { next: oldest, ..group });
        if oldest == NONE {
            self.spaces.insert(space as usize);
        }
        self.ends[space as usize] = (index, if oldest == NONE { index } else { newest });
    }

    /// The oldest group of the smallest class with that much space.
    pub(crate) fn pop(&mut self, length: u32) -> Option<(u32, Group)> {
        let space = self.spaces.at_least(length as usize)?;
        let (oldest, _) = &mut self.ends[space];
        let index = *oldest;
        let slot = &mut self.groups[index as usize];
        let group = *slot;
        *oldest = group.next;
        if group.next == NONE {
            self.spaces.remove(space);
        }
        slot.next = self.unused;
        self.unused = index;
        Some((space as u32, group))
    }

    /// All groups by rising free space, of equally full ones the oldest first; `closed` ones, which take nothing more,
    /// after the full ones.
    pub(crate) fn into_groups(self, closed: &[Group]) -> Vec<Group> {
        let mut groups = Vec::new();
        for (space, &(oldest, _)) in self.ends.iter().enumerate() {
            let mut at = oldest;
            while at != NONE {
                groups.push(self.groups[at as usize]);
                at = self.groups[at as usize].next;
            }
            if space == 0 {
                groups.extend_from_slice(closed);
            }
        }
        groups
    }
}
