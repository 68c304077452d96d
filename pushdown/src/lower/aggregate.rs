//! Accumulators. First everything that can make the record an exception record is evaluated, then nothing can
//! fail any more and the accumulators are brought up to date.

use super::{CompileError, Fold};
use crate::fragment::{Aggregate, AggregateFunction};

/// What [`Fold::prepare`] leaves for [`Fold::update`].
#[derive(Clone, Copy, Default)]
pub(super) struct Prepared {
    /// Slot of the FILTER's outcome.
    active: Option<usize>,
    /// Slot of the argument, if it had to be evaluated beforehand and only under the FILTER.
    argument: Option<usize>,
}

impl Fold<'_> {
    /// FILTER conditions and checked arguments.
    pub(super) fn prepare(&mut self, aggregates: &[Aggregate]) -> Result<(), CompileError> {
        for aggregate in aggregates {
            let prepared = self.prepare_one(aggregate)?;
            self.prepared.push(prepared);
        }
        Ok(())
    }

    fn prepare_one(&mut self, aggregate: &Aggregate) -> Result<Prepared, CompileError> {
        let checked = aggregate.function.argument().filter(|argument| argument.is_checked());
        let Some(filter) = &aggregate.filter else {
            if let Some(argument) = checked {
                self.evaluate_once(argument)?;
            }
            return Ok(Prepared::default());
        };
        self.evaluate_checked(filter)?;
        let active = self.slots(1);
        let inactive = self.code.label("inactive");
        self.code.line(format!("*(u64 *)(r7 + {active}) = 0"));
        self.branch(filter, &inactive)?;
        let argument = match checked {
            Some(argument) => Some(self.evaluate(argument)?),
            None => None,
        };
        self.code.line(format!("*(u64 *)(r7 + {active}) = 1"));
        self.code.line(format!("{inactive}:"));
        self.code.line("forget");
        Ok(Prepared { active: Some(active), argument })
    }

    /// Adds the record to the accumulators that begin `offset` bytes behind the address in `base`.
    pub(super) fn update(
        &mut self,
        aggregates: &[Aggregate],
        base: &str,
        offset: usize,
    ) -> Result<(), CompileError> {
        let mut offset = offset;
        for (index, aggregate) in aggregates.iter().enumerate() {
            let prepared = self.prepared[index];
            self.code
                .comment(&format!("aggregate {index} {}", self.fragment.aggregate_text(&aggregate.function)));
            let skip = self.code.label("skip");
            if let Some(active) = prepared.active {
                self.code.line(format!("r1 = *(u64 *)(r7 + {active})"));
                self.code.line(format!("if r1 == 0 goto {skip}"));
            }
            if let AggregateFunction::Count { non_null } = &aggregate.function {
                self.branch_if_any_null(non_null, &skip);
                self.increment(base, offset);
            }
            if let Some(argument) = aggregate.function.argument() {
                self.branch_if_null(argument, &skip);
                match prepared.argument {
                    Some(slot) => self.code.line(format!("r1 = *(u64 *)(r7 + {slot})")),
                    None => self.load(argument)?,
                }
                self.accumulate(&aggregate.function, base, offset);
            }
            self.code.line(format!("{skip}:"));
            self.code.line("forget");
            offset += 8 * aggregate.function.state_words();
        }
        Ok(())
    }

    /// Adds the value in r1 to one accumulator.
    fn accumulate(&mut self, function: &AggregateFunction, base: &str, offset: usize) {
        match function {
            AggregateFunction::Count { .. } => {}
            AggregateFunction::SumWrap(_) => {
                self.code.line(format!("r2 = *(u64 *)({base} + {offset})"));
                self.code.line("r2 += r1");
                self.code.line(format!("*(u64 *)({base} + {offset}) = r2"));
                self.increment(base, offset + 8);
            }
            AggregateFunction::SumExact(_) => {
                // The high half of the addend is its sign; the low halves carried if their sum is less than one of them.
                let carried = self.code.label("carried");
                self.code.line(format!("r2 = *(u64 *)({base} + {offset})"));
                self.code.line("r2 += r1");
                self.code.line(format!("*(u64 *)({base} + {offset}) = r2"));
                self.code.line("r3 = r1");
                self.code.line("r3 s>>= 63");
                self.code.line(format!("if r2 >= r1 goto {carried}"));
                self.code.line("r3 += 1");
                self.code.line(format!("{carried}:"));
                self.code.line(format!("r2 = *(u64 *)({base} + {})", offset + 8));
                self.code.line("r2 += r3");
                self.code.line(format!("*(u64 *)({base} + {}) = r2", offset + 8));
                self.increment(base, offset + 16);
            }
            AggregateFunction::Min(_) => self.extreme("s<=", base, offset),
            AggregateFunction::Max(_) => self.extreme("s>=", base, offset),
        }
    }

    /// Keeps the value so far when it stands in `relation` to the one in r1.
    fn extreme(&mut self, relation: &str, base: &str, offset: usize) {
        let (set, keep) = (self.code.label("set"), self.code.label("keep"));
        self.code.line(format!("r2 = *(u64 *)({base} + {})", offset + 8));
        self.code.line(format!("if r2 == 0 goto {set}"));
        self.code.line(format!("r3 = *(u64 *)({base} + {offset})"));
        self.code.line(format!("if r3 {relation} r1 goto {keep}"));
        self.code.line(format!("{set}:"));
        self.code.line(format!("*(u64 *)({base} + {offset}) = r1"));
        self.code.line(format!("{keep}:"));
        self.increment(base, offset + 8);
    }

    /// Changes r2.
    fn increment(&mut self, base: &str, offset: usize) {
        self.code.line(format!("r2 = *(u64 *)({base} + {offset})"));
        self.code.line("r2 += 1");
        self.code.line(format!("*(u64 *)({base} + {offset}) = r2"));
    }
}
