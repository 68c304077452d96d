//! Operators and the expressions that are made of them.
//!
//! One file a family. It holds an enum of the family's operators and, for each of them, its [`Signature`] (printed
//! form, types, NULL rule, failure rule), its normal form, and its lowering. All that walks over expressions asks the
//! signature, so that an operator that is written here is also printed, parsed, checked and generated at random.
//! What it means is written once more, for readers, in [`crate::reference`].
//!
//! An operator whose result is a condition is lowered to a branch, another to a value in r1.

mod arithmetic;
mod bound;
mod compare;
mod expr;
mod in_set;
mod logic;
mod lowering;
mod null;
mod string;
mod types;

pub use arithmetic::{Arithmetic, Overflow};
pub use bound::Bound;
pub use compare::Comparison;
pub use expr::Expr;
pub use in_set::InSet;
pub use logic::Logic;
pub use null::NullTest;
pub use string::StringSet;
pub use types::{Literal, Notation, NullRule, Parameter, Parameters, Signature, ValueType};

pub(crate) use lowering::Lowering;

use crate::emit::{EXCEPTION, Relation};

/// What a family says about each of its operators.
trait Family: Copy + Into<Op> + 'static {
    /// Its operators.
    const ALL: &'static [Self];

    fn signature(self) -> Signature;

    /// The normal form of the operator on arguments in normal form; see [`crate::fragment::normalize`]. `nullable`
    /// tells which columns may be NULL.
    fn simplify(self, arguments: Vec<Expr>, nullable: &[bool]) -> Expr;

    /// The operator that is true where this one is false, false where it is true, and NULL where it is NULL.
    fn negated(self) -> Self {
        unreachable!("only a condition is negated, and {} has no opposite", self.signature().name)
    }

    /// Computes the operator into r1, none of whose arguments is NULL. Changes r2 to r5.
    fn compute(self, _: &[Expr], _: &mut Lowering) {
        unreachable!("{} is a condition", self.signature().name)
    }

    /// Falls through when the condition is true, else goes to `otherwise`. Changes r1 to r5.
    fn branch(self, _: &[Expr], _: &mut Lowering, _otherwise: &str) {
        unreachable!("{} is not a condition", self.signature().name)
    }
}

macro_rules! families {
    ($($(#[$doc:meta])* $family:ident($of:ident),)*) => {
        /// An operator, by family.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Op {
            $($(#[$doc])* $family($of),)*
        }

        $(impl From<$of> for Op {
            fn from(op: $of) -> Op {
                Op::$family(op)
            }
        })*

        impl Op {
            /// All operators.
            pub fn all() -> Vec<Op> {
                let mut all = Vec::new();
                $(all.extend($of::ALL.iter().copied().map(Op::from));)*
                all
            }

            /// What is known of it without its arguments.
            pub fn signature(self) -> Signature {
                match self {
                    $(Op::$family(op) => op.signature(),)*
                }
            }

            pub(crate) fn simplify(self, arguments: Vec<Expr>, nullable: &[bool]) -> Expr {
                match self {
                    $(Op::$family(op) => op.simplify(arguments, nullable),)*
                }
            }

            /// See `Family::negated`.
            pub(crate) fn negated(self) -> Op {
                match self {
                    $(Op::$family(op) => op.negated().into(),)*
                }
            }

            fn compute(self, arguments: &[Expr], lowering: &mut Lowering) {
                match self {
                    $(Op::$family(op) => op.compute(arguments, lowering),)*
                }
            }

            fn branch(self, arguments: &[Expr], lowering: &mut Lowering, otherwise: &str) {
                match self {
                    $(Op::$family(op) => op.branch(arguments, lowering, otherwise),)*
                }
            }
        }
    };
}

families! {
    /// Of integers.
    Arithmetic(Arithmetic),
    /// A limit that a value must keep.
    Bound(Bound),
    /// Of two numbers or two truth values.
    Compare(Comparison),
    /// Numbers or truth values in a list.
    InSet(InSet),
    /// Strings in a list.
    String(StringSet),
    /// Tests for NULL.
    Null(NullTest),
    /// AND, OR, NOT.
    Logic(Logic),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negations_come_in_pairs() {
        let is_leaf = |op: &Op| op.signature().gives == ValueType::Bool && !matches!(op, Op::Logic(_));
        let leaves: Vec<Op> = Op::all().into_iter().filter(is_leaf).collect();
        assert!(leaves.len() >= 12, "{leaves:?}");
        for op in leaves {
            assert_ne!(op.negated(), op);
            assert_eq!(op.negated().negated(), op);
            assert_eq!(op.negated().signature().takes, op.signature().takes);
        }
        assert_eq!(Op::from(Logic::And).negated(), Logic::Or.into());
    }

    /// The parser finds an operator by its notation, its name and the types of its arguments.
    #[test]
    fn the_text_of_a_call_means_one_operator() {
        let mut seen = Vec::new();
        for op in Op::all() {
            let Signature { name, notation, takes, .. } = op.signature();
            for parameters in takes {
                let counts: Vec<usize> = (0..6).filter(|count| parameters.allow(*count)).collect();
                match notation {
                    Notation::Term | Notation::Relation => assert_eq!(counts, [2], "{name}"),
                    Notation::Postfix => assert_eq!(counts, [1], "{name}"),
                    Notation::List => assert_eq!(counts, [2, 3, 4, 5], "{name}"),
                    Notation::Function => assert!(!counts.is_empty(), "{name}"),
                }
                let one = (name, notation, parameters);
                assert!(!seen.contains(&one), "{name} is two operators");
                seen.push(one);
            }
        }
    }
}
