//! Which columns of a table are shown in a given width, and how wide each is.
//!
//! First cells that are cut make room, down to what a column can do with. If that is not enough, columns in the middle
//! are left out, and a narrow one that says so stands in their place.

/// What a column wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// So that nothing is cut.
    pub whole: usize,
    /// So that the column is still of use; at most `whole`.
    pub least: usize,
}

/// A column of the printed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Of the result, so wide.
    Column { index: usize, width: usize },
    /// Stands for columns that are not shown.
    Gap,
}

/// Width of a [`Slot::Gap`].
const GAP_WIDTH: usize = 1;

impl Slot {
    pub fn width(&self) -> usize {
        match self {
            Slot::Column { width, .. } => *width,
            Slot::Gap => GAP_WIDTH,
        }
    }
}

/// Distributes `room` among columns. `frame` gives what the lines and spaces around so many columns take.
pub fn fit(wishes: &[Wish], room: usize, frame: impl Fn(usize) -> usize) -> Vec<Slot> {
    let whole = wishes.iter().fold(0, |sum: usize, wish| sum.saturating_add(wish.whole));
    if whole.saturating_add(frame(wishes.len())) <= room {
        let columns = wishes.iter().enumerate();
        return columns.map(|(index, wish)| Slot::Column { index, width: wish.whole }).collect();
    }
    let least: usize = wishes.iter().map(|wish| wish.least).sum();
    if least + frame(wishes.len()) <= room {
        let all: Vec<usize> = (0..wishes.len()).collect();
        return shared(wishes, &all, room - frame(wishes.len()));
    }
    let (left, right) = outer(wishes, room, &frame);
    let kept: Vec<usize> = (0..left).chain(wishes.len() - right..wishes.len()).collect();
    if kept.len() == wishes.len() {
        // There is only one, and it gets what there is.
        return vec![Slot::Column { index: 0, width: room.saturating_sub(frame(1)).max(1) }];
    }
    let frame_width = frame(kept.len() + 1) + GAP_WIDTH;
    let mut slots = shared(wishes, &kept, room.saturating_sub(frame_width));
    slots.insert(left, Slot::Gap);
    slots
}

/// How many columns from the left and from the right have room beside a gap, at least the first.
fn outer(wishes: &[Wish], room: usize, frame: impl Fn(usize) -> usize) -> (usize, usize) {
    let (mut left, mut right) = (1, 0);
    let mut least = wishes[0].least + GAP_WIDTH;
    while left + right < wishes.len() {
        let from_right = right < left;
        let next = if from_right { wishes.len() - 1 - right } else { left };
        least += wishes[next].least;
        // The gap is one more.
        if least + frame(left + right + 2) > room {
            break;
        }
        if from_right { right += 1 } else { left += 1 }
    }
    (left, right)
}

/// Each of the columns gets its least; then the narrow ones get all they want before the wide ones get more.
fn shared(wishes: &[Wish], columns: &[usize], room: usize) -> Vec<Slot> {
    let width = |index: usize, level: usize| {
        let Wish { whole, least } = wishes[index];
        whole.min(level).max(least)
    };
    let total = |level: usize| columns.iter().map(|&index| width(index, level)).sum::<usize>();
    let widest = columns.iter().map(|&index| wishes[index].whole).max().unwrap_or_default();
    let level = (0..=room.min(widest)).rev().find(|&level| total(level) <= room);
    let Some(level) = level else {
        // Not even the least, which happens to a column that is alone.
        let share = (room / columns.len().max(1)).max(1);
        return columns.iter().map(|&index| Slot::Column { index, width: share }).collect();
    };
    let mut rest = room - total(level);
    let mut slots = Vec::with_capacity(columns.len());
    for &index in columns {
        let mut width = width(index, level);
        if rest > 0 && width < wishes[index].whole {
            width += 1;
            rest -= 1;
        }
        slots.push(Slot::Column { index, width });
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Widths of the slots, a gap as 0, for columns with these wishes in a box.
    fn fitted(wishes: &[(usize, usize)], room: usize) -> Vec<usize> {
        let wishes: Vec<Wish> = wishes.iter().map(|&(whole, least)| Wish { whole, least }).collect();
        let slots = fit(&wishes, room, |columns| 3 * columns + 1);
        let widths = slots.iter().map(|slot| match slot {
            Slot::Column { width, .. } => *width,
            Slot::Gap => 0,
        });
        widths.collect()
    }

    #[test]
    fn all_fit() {
        assert_eq!(fitted(&[(5, 5), (10, 4)], 22), [5, 10]);
        assert_eq!(fitted(&[(5, 5), (10, 4)], usize::MAX), [5, 10]);
        assert!(fitted(&[], 10).is_empty());
    }

    #[test]
    fn the_widest_are_cut() {
        assert_eq!(fitted(&[(5, 5), (10, 4)], 21), [5, 9]);
        assert_eq!(fitted(&[(5, 5), (10, 4)], 16), [5, 4]);
        assert_eq!(fitted(&[(100, 4), (6, 4), (100, 4)], 40), [12, 6, 12]);
        assert_eq!(fitted(&[(100, 4), (6, 4), (100, 4)], 41), [13, 6, 12]);
        assert_eq!(fitted(&[(100, 20), (100, 4)], 31), [20, 4]);
    }

    #[test]
    fn the_middle_is_left_out() {
        // The last column is shown before the second.
        assert_eq!(fitted(&[(5, 5), (5, 5), (5, 5), (5, 5)], 21), [5, 0, 5]);
        assert_eq!(fitted(&[(5, 5), (5, 5), (5, 5), (5, 5)], 29), [5, 5, 0, 5]);
        assert_eq!(fitted(&[(5, 5), (5, 5), (5, 5), (5, 5)], 33), [5, 5, 5, 5]);
        assert_eq!(fitted(&[(30, 5), (5, 5), (5, 5), (30, 5)], 25), [7, 0, 7]);
        assert_eq!(fitted(&vec![(5, 5); 1000], 40).len(), 5);
    }

    #[test]
    fn less_than_the_least() {
        assert_eq!(fitted(&[(30, 30)], 14), [10]);
        assert_eq!(fitted(&[(30, 30), (3, 3)], 14), [6, 0]);
        assert_eq!(fitted(&[(30, 30), (3, 3)], 2), [1, 0]);
    }

    #[test]
    fn never_wider_than_the_room() {
        for room in 10..60 {
            for columns in 1..20 {
                let wishes: Vec<_> = (0..columns).map(|at| (1 + at * 7 % 23, 1 + at * 7 % 5)).collect();
                let wishes: Vec<_> =
                    wishes.into_iter().map(|(whole, least)| (whole, least.min(whole))).collect();
                let widths = fitted(&wishes, room);
                let sum: usize = widths.iter().map(|&width| width.max(GAP_WIDTH)).sum();
                assert!(sum + 3 * widths.len() < room, "{room}: {wishes:?} -> {widths:?}");
            }
        }
    }
}
