//! Accumulators. First everything that can make the record an exception record is evaluated, then nothing can
//! fail any more and the accumulators are brought up to date.

use super::fold::{Fold, PreparedAggregate};
use crate::emit::Register::R1;
use crate::emit::{Relation, Word};
use crate::fragment::{Aggregate, Expr};

impl Fold<'_> {
    /// FILTER conditions and arguments that can fail.
    pub(super) fn prepare(&mut self, aggregates: &[Aggregate]) {
        for aggregate in aggregates {
            let prepared = self.prepare_one(aggregate);
            self.prepared.push(prepared);
        }
    }

    fn prepare_one(&mut self, aggregate: &Aggregate) -> PreparedAggregate {
        let lowering = &mut self.lowering;
        let failing = aggregate.value().filter(|argument| argument.can_fail());
        let Some(filter) = &aggregate.filter else {
            if let Some(argument) = failing {
                lowering.evaluate_once(argument);
            }
            return PreparedAggregate::default();
        };
        lowering.evaluate_operands(filter);
        let active = lowering.words(1);
        let inactive = lowering.code.label("inactive");
        lowering.code.store(active, 0);
        lowering.branch(filter, &inactive);
        let argument = failing.map(|argument| lowering.evaluate(argument));
        lowering.code.store(active, 1);
        lowering.code.join(&inactive);
        PreparedAggregate { active: Some(active), argument }
    }

    /// Adds the record to the accumulators, which begin at `state`.
    pub(super) fn update(&mut self, aggregates: &[Aggregate], state: Word) {
        let mut state = state;
        for (index, aggregate) in aggregates.iter().enumerate() {
            let prepared = self.prepared[index];
            let text = self.fragment.aggregate_text(aggregate);
            let lowering = &mut self.lowering;
            lowering.code.comment(&format!("aggregate {index} {text}"));
            let skip = lowering.code.label("skip");
            if let Some(active) = prepared.active {
                lowering.code.load(R1, active);
                lowering.code.jump_if(R1, Relation::Equal, 0, &skip);
            }
            for argument in &aggregate.arguments {
                lowering.branch_if_null(argument, &skip);
            }
            match (prepared.argument, aggregate.value()) {
                (Some(word), _) => lowering.code.load(R1, word),
                (None, Some(argument)) => lowering.load(argument),
                (None, None) => {}
            }
            aggregate.function.accumulate(state, lowering);
            lowering.code.join(&skip);
            state = state.plus(aggregate.function.state_words());
        }
    }
}

impl Aggregate {
    /// The argument whose value is accumulated, if it is not only asked whether arguments are NULL.
    fn value(&self) -> Option<&Expr> {
        match self.function.signature().takes.first {
            [] => None,
            _ => self.arguments.first(),
        }
    }
}
