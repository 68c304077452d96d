//! Accumulators. First everything that can make the record an exception record is evaluated, then nothing can
//! fail any more and the accumulators are brought up to date.

use super::Fold;
use crate::emit::Register::{R1, R2, R3};
use crate::emit::{Relation, Word};
use crate::fragment::{Aggregate, AggregateFunction};

/// What [`Fold::prepare`] leaves for [`Fold::update`].
#[derive(Clone, Copy, Default)]
pub(super) struct Prepared {
    /// The FILTER's outcome.
    active: Option<Word>,
    /// The argument, if it had to be evaluated beforehand and only under the FILTER.
    argument: Option<Word>,
}

impl Fold<'_> {
    /// FILTER conditions and checked arguments.
    pub(super) fn prepare(&mut self, aggregates: &[Aggregate]) {
        for aggregate in aggregates {
            let prepared = self.prepare_one(aggregate);
            self.prepared.push(prepared);
        }
    }

    fn prepare_one(&mut self, aggregate: &Aggregate) -> Prepared {
        let checked = aggregate.function.argument().filter(|argument| argument.is_checked());
        let Some(filter) = &aggregate.filter else {
            if let Some(argument) = checked {
                self.evaluate_once(argument);
            }
            return Prepared::default();
        };
        self.evaluate_checked(filter);
        let active = self.words(1);
        let inactive = self.code.label("inactive");
        self.code.store(active, 0);
        self.branch(filter, &inactive);
        let argument = checked.map(|argument| self.evaluate(argument));
        self.code.store(active, 1);
        self.code.join(&inactive);
        Prepared { active: Some(active), argument }
    }

    /// Adds the record to the accumulators, which begin at `state`.
    pub(super) fn update(&mut self, aggregates: &[Aggregate], state: Word) {
        let mut state = state;
        for (index, aggregate) in aggregates.iter().enumerate() {
            let prepared = self.prepared[index];
            self.code
                .comment(&format!("aggregate {index} {}", self.fragment.aggregate_text(&aggregate.function)));
            let skip = self.code.label("skip");
            if let Some(active) = prepared.active {
                self.code.load(R1, active);
                self.code.jump_if(R1, Relation::Equal, 0, &skip);
            }
            if let AggregateFunction::Count { non_null } = &aggregate.function {
                self.branch_if_any_null(non_null, &skip);
                self.code.increment(state, R2);
            }
            if let Some(argument) = aggregate.function.argument() {
                self.branch_if_null(argument, &skip);
                match prepared.argument {
                    Some(value) => self.code.load(R1, value),
                    None => self.load(argument),
                }
                self.accumulate(&aggregate.function, state);
            }
            self.code.join(&skip);
            state = state.plus(aggregate.function.state_words());
        }
    }

    /// Adds the value in r1 to one accumulator.
    fn accumulate(&mut self, function: &AggregateFunction, state: Word) {
        match function {
            AggregateFunction::Count { .. } => {}
            AggregateFunction::SumWrap(_) => {
                self.code.load(R2, state);
                self.code.add(R2, R1);
                self.code.store(state, R2);
                self.code.increment(state.plus(1), R2);
            }
            AggregateFunction::SumExact(_) => {
                // The high half of the addend is its sign; the low halves carried if their sum is less than one of them.
                let carried = self.code.label("carried");
                self.code.load(R2, state);
                self.code.add(R2, R1);
                self.code.store(state, R2);
                self.code.set(R3, R1);
                self.code.shift_right_signed(R3, 63);
                self.code.jump_if(R2, Relation::AboveOrEqual, R1, &carried);
                self.code.add(R3, 1);
                self.code.place(&carried);
                self.code.load(R2, state.plus(1));
                self.code.add(R2, R3);
                self.code.store(state.plus(1), R2);
                self.code.increment(state.plus(2), R2);
            }
            AggregateFunction::Min(_) => self.extreme(Relation::LessOrEqual, state),
            AggregateFunction::Max(_) => self.extreme(Relation::GreaterOrEqual, state),
        }
    }

    /// Keeps the value so far when it stands in `relation` to the one in r1.
    fn extreme(&mut self, relation: Relation, state: Word) {
        let (set, keep) = (self.code.label("set"), self.code.label("keep"));
        self.code.load(R2, state.plus(1));
        self.code.jump_if(R2, Relation::Equal, 0, &set);
        self.code.load(R3, state);
        self.code.jump_if(R3, relation, R1, &keep);
        self.code.place(&set);
        self.code.store(state, R1);
        self.code.place(&keep);
        self.code.increment(state.plus(1), R2);
    }
}
