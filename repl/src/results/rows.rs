//! The rows of a result, of which some in the middle may be missing.
//!
//! In: the batches of a stream, as they come. Out: those that will be shown. A result of many rows of which a terminal
//! shows the ends is never held in memory as a whole.

use std::collections::VecDeque;

use datafusion::arrow::record_batch::RecordBatch;

/// How many rows of a result are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    /// So many from the beginning, and at least so many from the end.
    Ends(usize),
}

/// The rows of a result, without some in the middle.
#[derive(Debug, Default)]
pub struct Rows {
    head: Vec<RecordBatch>,
    tail: VecDeque<RecordBatch>,
    head_rows: usize,
    tail_rows: usize,
    /// Rows that were dropped between head and tail.
    omitted: u64,
}

/// What of a result is shown: rows, a number of rows that are not shown, rows.
#[derive(Debug, Default)]
pub struct Shown {
    pub head: Vec<RecordBatch>,
    pub hidden: u64,
    pub tail: Vec<RecordBatch>,
}

impl Rows {
    pub fn push(&mut self, batch: RecordBatch, keep: Keep) {
        let Keep::Ends(rows_max) = keep else {
            self.head_rows += batch.num_rows();
            self.head.push(batch);
            return;
        };
        let to_head = rows_max.saturating_sub(self.head_rows).min(batch.num_rows());
        if to_head > 0 {
            self.head_rows += to_head;
            self.head.push(batch.slice(0, to_head));
        }
        if to_head < batch.num_rows() {
            self.tail_rows += batch.num_rows() - to_head;
            self.tail.push_back(batch.slice(to_head, batch.num_rows() - to_head));
        }
        while let Some(first) = self.tail.front()
            && self.tail_rows - first.num_rows() >= rows_max
        {
            self.tail_rows -= first.num_rows();
            self.omitted += first.num_rows() as u64;
            self.tail.pop_front();
        }
    }

    /// Rows of the whole result.
    pub fn total(&self) -> u64 {
        (self.head_rows + self.tail_rows) as u64 + self.omitted
    }

    /// Those that were kept, in order.
    pub fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.head.iter().chain(&self.tail)
    }

    /// At most `rows_max` rows, half of them from the end, and how many lie between.
    pub fn shown(&self, rows_max: Option<usize>) -> Shown {
        let head_max = rows_max.map_or(usize::MAX, |rows_max| rows_max.div_ceil(2));
        let tail_max = rows_max.map_or(usize::MAX, |rows_max| rows_max / 2);
        let (head, tail) = if self.omitted > 0 {
            (first_rows(self.head.iter(), head_max), last_rows(self.tail.iter(), tail_max))
        } else if rows_max.is_none_or(|rows_max| self.total() <= rows_max as u64) {
            (self.batches().cloned().collect(), Vec::new())
        } else {
            (first_rows(self.batches(), head_max), last_rows(self.head.iter().chain(&self.tail), tail_max))
        };
        let shown: usize = head.iter().chain(&tail).map(RecordBatch::num_rows).sum();
        Shown { head, hidden: self.total() - shown as u64, tail }
    }
}

impl From<Vec<RecordBatch>> for Rows {
    fn from(batches: Vec<RecordBatch>) -> Rows {
        let head_rows = batches.iter().map(RecordBatch::num_rows).sum();
        Rows { head: batches, head_rows, ..Rows::default() }
    }
}

fn first_rows<'a>(batches: impl Iterator<Item = &'a RecordBatch>, rows_max: usize) -> Vec<RecordBatch> {
    let mut wanted = rows_max;
    let mut first = Vec::new();
    for batch in batches {
        if wanted == 0 {
            break;
        }
        let part = batch.slice(0, batch.num_rows().min(wanted));
        wanted -= part.num_rows();
        first.push(part);
    }
    first
}

fn last_rows<'a>(
    batches: impl DoubleEndedIterator<Item = &'a RecordBatch>,
    rows_max: usize,
) -> Vec<RecordBatch> {
    let mut wanted = rows_max;
    let mut last = Vec::new();
    for batch in batches.rev() {
        if wanted == 0 {
            break;
        }
        let length = batch.num_rows().min(wanted);
        wanted -= length;
        last.push(batch.slice(batch.num_rows() - length, length));
    }
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int64Type;

    use super::*;

    fn rows(sizes: &[usize], keep: Keep) -> Rows {
        let mut rows = Rows::default();
        let mut next = 0;
        for &size in sizes {
            let numbers = Int64Array::from_iter_values(next..next + size as i64);
            next += size as i64;
            rows.push(RecordBatch::try_from_iter([("n", Arc::new(numbers) as _)]).unwrap(), keep);
        }
        rows
    }

    fn numbers<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Vec<i64> {
        batches
            .into_iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect()
    }

    /// The numbers 0.. in batches of these sizes, kept like this.
    fn kept(sizes: &[usize], keep: Keep) -> (Vec<i64>, u64, u64) {
        let rows = rows(sizes, keep);
        (numbers(rows.batches()), rows.total(), rows.omitted)
    }

    #[test]
    fn the_ends_of_a_result_are_kept() {
        assert_eq!(kept(&[3, 2], Keep::All), ((0..5).collect(), 5, 0));
        assert_eq!(kept(&[], Keep::Ends(2)), (vec![], 0, 0));
        assert_eq!(kept(&[3, 1], Keep::Ends(2)), ((0..4).collect(), 4, 0));
        assert_eq!(kept(&[1, 3, 3, 1, 2], Keep::Ends(2)), (vec![0, 1, 8, 9], 10, 6));
        assert_eq!(kept(&[100], Keep::Ends(2)).1, 100);
        assert_eq!(kept(&[4, 4, 0, 4, 0], Keep::Ends(3)), (vec![0, 1, 2, 8, 9, 10, 11], 12, 5));
    }

    #[test]
    fn half_of_the_shown_rows_are_from_the_end() {
        for keep in [Keep::All, Keep::Ends(3), Keep::Ends(5)] {
            for sizes in [&[10][..], &[1, 3, 3, 1, 2], &[0, 5, 0, 5, 0], &[9, 1]] {
                let rows = rows(sizes, keep);
                for rows_max in 0..=6 {
                    let shown = rows.shown(Some(rows_max));
                    let head = numbers(&shown.head);
                    let tail = numbers(&shown.tail);
                    assert_eq!(head, (0..10).take(rows_max.div_ceil(2)).collect::<Vec<_>>());
                    assert_eq!(tail, (0..10).skip(10 - rows_max / 2).collect::<Vec<_>>());
                    assert_eq!(shown.hidden, 10 - rows_max as u64);
                }
            }
        }
        let all = rows(&[4, 4], Keep::All);
        for rows_max in [None, Some(8), Some(9)] {
            let shown = all.shown(rows_max);
            assert_eq!((numbers(&shown.head), shown.hidden), ((0..8).collect(), 0));
            assert!(shown.tail.is_empty());
        }
        // What was dropped cannot be shown, whatever is asked for.
        assert_eq!(rows(&[3, 4, 3], Keep::Ends(3)).shown(None).hidden, 4);
    }
}
