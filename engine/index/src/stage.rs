//! Which implementation runs.

use std::fmt;

/// An implementation of the index stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// One byte after the other.
    Scalar,
    /// Eight bytes in a register of any processor.
    Swar,
    /// x86-64 with AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 and its instructions for bytes (BW, VBMI2).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// There is no such implementation, or this processor cannot run it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("WEIR_INDEX cannot be '{name}': here it is {}", names())]
pub struct UnknownStage {
    name: String,
}

fn names() -> String {
    let mut names: Vec<String> = Stage::available().iter().map(Stage::to_string).collect();
    names.push("template".to_owned());
    names.join(", ")
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Scalar => "scalar",
            Stage::Swar => "swar",
            #[cfg(target_arch = "x86_64")]
            Stage::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Stage::Avx512 => "avx512",
        })
    }
}

impl Stage {
    /// Those that this processor has, the fastest last.
    pub fn available() -> Vec<Stage> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut available = vec![Stage::Scalar, Stage::Swar];
        #[cfg(target_arch = "x86_64")]
        {
            if crate::avx2::is_available() {
                available.push(Stage::Avx2);
            }
            if crate::avx512::is_available() {
                available.push(Stage::Avx512);
            }
        }
        available
    }

    /// The fastest, or the one that WEIR_INDEX names. None: the stage in eBPF, which WEIR_INDEX calls `template`. It is faster than
    /// what uses no vectors: the words of SWAR take twice its time.
    pub fn chosen() -> Result<Option<Stage>, UnknownStage> {
        match std::env::var("WEIR_INDEX") {
            Ok(name) => Stage::named(&name),
            Err(_) => {
                Ok(Stage::available().pop().filter(|stage| !matches!(stage, Stage::Scalar | Stage::Swar)))
            }
        }
    }

    /// That of a program which has none of its own: the fastest or the named one, and SWAR where that is the stage in eBPF.
    pub fn for_indexed() -> Result<Stage, UnknownStage> {
        Ok(Stage::chosen()?.unwrap_or(Stage::Swar))
    }

    fn named(name: &str) -> Result<Option<Stage>, UnknownStage> {
        if name == "template" {
            return Ok(None);
        }
        let found = Stage::available().into_iter().find(|stage| stage.to_string() == name);
        found.map(Some).ok_or_else(|| UnknownStage { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_have_names() {
        for stage in Stage::available() {
            assert_eq!(Stage::named(&stage.to_string()), Ok(Some(stage)));
        }
        assert_eq!(Stage::named("template"), Ok(None));
        let error = Stage::named("sse9").unwrap_err().to_string();
        assert!(error.starts_with("WEIR_INDEX cannot be 'sse9': here it is scalar, swar, "), "{error}");
    }
}
