//! Rules about the source that no compiler checks. All problems are listed at once, each with its file and line.

mod functions;
mod modules;
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest file, without its tests.
const LINES_MAX: usize = 500;
/// Longest function, without its comments; see [`functions`] for what a flat match counts.
const FUNCTION_LINES_MAX: usize = 70;
/// Longer ones that are right as they are: file, name, lines.
const LONG_FUNCTIONS: [(&str, &str, usize); 1] = [
    // One flat match in a loop, and the macros of its arms, which must stand in the same function.
    ("pushdown/src/bpf/interpret.rs", "execute", 74),
];
/// Largest file that may be in the repository.
const FILE_BYTES_MAX: u64 = 400 << 10;
/// The only files with unsafe code: system calls, and the instructions of processors.
const UNSAFE_FILES: [&str; 3] =
    ["engine/machine/src/sys.rs", "engine/index/src/avx2.rs", "engine/index/src/avx512.rs"];

/// Which crates of the workspace a crate may depend on.
const WORKSPACE_DEPENDENCIES: [(&str, &[&str]); 9] = [
    ("bpf-templates", &[]),
    ("pushdown", &["bpf-templates"]),
    ("engine/index", &["pushdown"]),
    ("engine/machine", &["pushdown", "weir-index"]),
    ("engine/csv", &[]),
    ("engine", &["machine", "pushdown", "weir-csv"]),
    ("repl", &["engine", "weir-csv"]),
    ("tests", &["engine", "machine", "pushdown", "bpf-templates"]),
    ("benches", &["machine", "pushdown", "bpf-templates"]),
];
/// All that the crates without a query engine may depend on.
const ALL_DEPENDENCIES: [(&str, &[&str]); 5] = [
    ("bpf-templates", &[]),
    ("pushdown", &["bpf-templates", "thiserror"]),
    ("engine/index", &["pushdown", "simdutf8", "thiserror"]),
    ("engine/machine", &["aya", "aya-obj", "libc", "pushdown", "thiserror", "weir-index"]),
    ("engine/csv", &CSV_DEPENDENCIES),
];
/// Arrow's arrays, and what unpacks and transcodes bytes.
const CSV_DEPENDENCIES: [&str; 14] = [
    "arrow-array",
    "arrow-buffer",
    "arrow-cast",
    "arrow-schema",
    "arrow-select",
    "bzip2",
    "chrono",
    "encoding_rs",
    "flate2",
    "liblzma",
    "memchr",
    "simdutf8",
    "thiserror",
    "zstd",
];
/// Folders in which a circle is the point, because expressions are trees: `mod.rs` has the table of the families of
/// operators, and a family asks it for the operands, which may be of any. That the families of such a folder use its `mod.rs`
/// is not counted.
const RECURSIONS: [&str; 2] = ["engine/src/translate", "pushdown/src/ops"];
/// The packages of the workspace, by their names in manifests.
const PACKAGES: [&str; 9] = [
    "bpf-templates",
    "pushdown",
    "weir-index",
    "machine",
    "weir-csv",
    "engine",
    "weir",
    "weir-tests",
    "weir-benches",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}

/// What is, or would be, in the repository.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    let files: BTreeSet<String> =
        paths.split('\0').filter(|path| root().join(path).is_file()).map(String::from).collect();
    assert!(files.contains("Cargo.toml"), "git knows the workspace");
    files.into_iter().collect()
}

fn with_ending(endings: &[&str]) -> Vec<(String, String)> {
    let wanted = |path: &String| endings.iter().any(|ending| path.ends_with(ending));
    files()
        .into_iter()
        .filter(wanted)
        .map(|path| (read(&path), path))
        .map(|(text, path)| (path, text))
        .collect()
}

fn read(path: &str) -> String {
    let bytes = std::fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// The line without its comment, good enough for our own code.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
}

/// The part of a file before its tests.
fn without_tests(text: &str) -> &str {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    &text[..end]
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The names in the `[dependencies]` tables of a manifest, those for tests left out.
fn dependencies(manifest: &str) -> Vec<String> {
    names_in(manifest, |table| {
        table == "[dependencies]" || table == "[build-dependencies]" || table.starts_with("[target")
    })
}

/// The names in some tables of a manifest.
fn names_in(manifest: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = is_wanted(line);
        } else if inside
            && let Some(name) = line.split(['.', '=', ' ']).next().filter(|name| !name.is_empty())
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// The name of the package in a folder.
fn package(folder: &str) -> String {
    let manifest = read(&format!("{folder}/Cargo.toml"));
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    name.unwrap_or_else(|| panic!("{folder}/Cargo.toml has no name")).to_owned()
}

#[test]
fn crates_import_downwards_only() {
    let packages: Vec<String> = WORKSPACE_DEPENDENCIES.iter().map(|(folder, _)| package(folder)).collect();
    assert_eq!(packages.iter().collect::<BTreeSet<_>>(), PACKAGES.map(String::from).iter().collect());
    let mut problems = Vec::new();
    for (folder, allowed) in WORKSPACE_DEPENDENCIES {
        for name in dependencies(&read(&format!("{folder}/Cargo.toml"))) {
            if PACKAGES.contains(&name.as_str()) && !allowed.contains(&name.as_str()) {
                problems.push(format!("{folder} depends on {name}"));
            }
        }
    }
    // The tests of a crate may use what it stands on, however far below.
    for (at, (folder, _)) in WORKSPACE_DEPENDENCIES.iter().enumerate() {
        let below: Vec<String> =
            WORKSPACE_DEPENDENCIES[..at].iter().map(|(folder, _)| package(folder)).collect();
        let manifest = read(&format!("{folder}/Cargo.toml"));
        for name in names_in(&manifest, |table| table == "[dev-dependencies]") {
            if PACKAGES.contains(&name.as_str()) && !below.contains(&name) {
                problems.push(format!("the tests of {folder} depend on {name}"));
            }
        }
    }
    let known =
        |path: &str| WORKSPACE_DEPENDENCIES.iter().any(|(folder, _)| path == format!("{folder}/Cargo.toml"));
    let manifests = with_ending(&["/Cargo.toml"]).into_iter().filter(|(path, _)| !known(path));
    problems
        .extend(manifests.map(|(path, _)| format!("{path}: it is not said what this crate may depend on")));
    for (folder, allowed) in ALL_DEPENDENCIES {
        for name in dependencies(&read(&format!("{folder}/Cargo.toml"))) {
            if !allowed.contains(&name.as_str()) {
                problems.push(format!("{folder} depends on {name}"));
            }
        }
    }
    none(&problems);
}

#[test]
fn the_compiler_knows_no_files_and_no_query_engine() {
    let unknown =
        ["datafusion", "arrow", "libc", "std::fs", "std::net", "std::process", "std::thread", "tokio"];
    let mut problems = Vec::new();
    for (path, text) in with_ending(&[".rs"]) {
        let pure = path.starts_with("pushdown/src") || path.starts_with("bpf-templates/src");
        if !pure || is_test(&path) {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            for word in unknown.into_iter().filter(|word| has_word(code(line), word)) {
                problems.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    none(&problems);
}

#[test]
fn libraries_do_not_print() {
    let mut problems = Vec::new();
    for (path, text) in with_ending(&[".rs"]) {
        let folders = ["engine", "engine/machine", "engine/csv", "engine/index", "pushdown", "bpf-templates"];
        let library = folders.iter().any(|folder| path.starts_with(&format!("{folder}/src/")));
        // What tests share prints for whoever reads a failure.
        if !library || is_test(&path) || path.ends_with("/testing.rs") {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            for word in ["print", "println", "eprint", "eprintln"] {
                if has_word(code(line), word) && code(line).contains(&format!("{word}!")) {
                    problems.push(format!("{path}:{}: {word}!", number + 1));
                }
            }
        }
    }
    none(&problems);
}

#[test]
fn unsafe_code_is_in_few_files() {
    let word = ["un", "safe"].concat();
    let mut problems = Vec::new();
    for (path, text) in with_ending(&[".rs"]) {
        for (number, line) in text.lines().enumerate() {
            let allows = code(line).contains(&format!("allow({word}_code)"));
            if !UNSAFE_FILES.contains(&path.as_str())
                && path != "tests/tests/tidy.rs"
                && (has_word(code(line), &word) || allows)
            {
                problems.push(format!("{path}:{}: {line}", number + 1));
            }
        }
    }
    none(&problems);
    let manifests = with_ending(&["Cargo.toml"]);
    for (path, text) in manifests.iter().filter(|(path, _)| path.contains('/')) {
        assert!(text.contains("[lints]\nworkspace = true"), "{path} does not use the lints of the workspace");
    }
}

#[test]
fn there_are_no_leftovers() {
    let words =
        [["to", "do!"], ["unimple", "mented!"], ["db", "g!"], ["FIX", "ME"], ["XX", "X"], ["TO", "DO"]];
    let mut problems = Vec::new();
    for (path, text) in
        with_ending(&[".rs", ".bpf", ".toml", ".md", ".sh", ".py", ".slt", ".c", ".h", ".ci/run"])
    {
        for (number, line) in text.lines().enumerate() {
            for word in words.map(|parts| parts.concat()).iter().filter(|word| has_word(line, word)) {
                problems.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    none(&problems);
}

#[test]
fn files_are_short() {
    let mut problems = Vec::new();
    for (path, text) in with_ending(&[".rs", ".bpf"]) {
        let lines = without_tests(&text).lines().count();
        if lines > LINES_MAX && !is_test(&path) {
            problems.push(format!("{path}: {lines} lines, at most {LINES_MAX} without tests"));
        }
    }
    for path in files() {
        let bytes = root().join(&path).metadata().map_or(0, |metadata| metadata.len());
        if bytes > FILE_BYTES_MAX {
            problems.push(format!("{path}: {bytes} bytes, at most {FILE_BYTES_MAX}"));
        }
    }
    none(&problems);
}

#[test]
fn modules_open_with_their_idea() {
    let mut problems = Vec::new();
    for (path, text) in with_ending(&[".rs"]) {
        if !text.starts_with("//!") {
            problems.push(format!("{path}: no description of the module at its top"));
        }
    }
    for (path, text) in with_ending(&[".bpf"]) {
        if !text.starts_with(';') && !text.starts_with("//") && !text.starts_with('#') {
            problems.push(format!("{path}: no description of the template at its top"));
        }
    }
    none(&problems);
}

#[test]
fn functions_are_short() {
    let mut problems = Vec::new();
    for (path, text) in with_ending(&[".rs"]).iter().filter(|(path, _)| !is_test(path)) {
        for function in functions::functions(text) {
            let functions::Function { name, line, lines } = function;
            let exception = LONG_FUNCTIONS.iter().find(|(file, long, _)| file == path && *long == name);
            if lines > exception.map_or(FUNCTION_LINES_MAX, |(_, _, lines)| *lines) {
                problems.push(format!(
                    "{path}:{line}: {name} has {lines} lines of code, at most {FUNCTION_LINES_MAX}"
                ));
            }
        }
    }
    none(&problems);
}

/// The file of `mod name;` in `path`.
fn module_file(all: &BTreeSet<String>, path: &str, name: &str) -> Option<String> {
    let file = Path::new(path);
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = file.parent().unwrap_or(Path::new(""));
    let beside = matches!(stem, "lib" | "main" | "mod" | "build") || is_root(all, path);
    let base: PathBuf = if beside { folder.to_owned() } else { folder.join(stem) };
    let base = base.to_string_lossy().into_owned();
    [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")].into_iter().find(|file| all.contains(file))
}

/// Whether a file is that of a crate, and not a module of another one.
fn is_root(all: &BTreeSet<String>, path: &str) -> bool {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match folder.rsplit('/').next() {
        Some("src") => matches!(file, "lib.rs" | "main.rs"),
        Some("bin") => file.ends_with(".rs"),
        // With a main.rs the others are its modules.
        Some(name @ ("tests" | "benches" | "examples")) => {
            let package = format!("{}Cargo.toml", folder.strip_suffix(name).unwrap_or_default());
            all.contains(&package) && (file == "main.rs" || !all.contains(&format!("{folder}/main.rs")))
        }
        _ => file == "build.rs",
    }
}

/// The crates, by the files that they begin with.
fn roots(all: &BTreeSet<String>) -> Vec<String> {
    all.iter().filter(|path| path.ends_with(".rs") && is_root(all, path)).cloned().collect()
}

/// Who uses whom in each crate.
fn uses_of_crates() -> Vec<modules::Uses> {
    let all: BTreeSet<String> = files().into_iter().collect();
    let find = |parent: &str, child: &str| {
        module_file(&all, parent, child).map(|file| {
            let text = read(&file);
            (file, text)
        })
    };
    roots(&all).iter().map(|root| modules::Crate::read(root, find, &read(root)).uses()).collect()
}

#[test]
fn no_module_uses_what_uses_it() {
    let mut problems = Vec::new();
    for mut uses in uses_of_crates() {
        for folder in RECURSIONS {
            let table = format!("{folder}/mod.rs");
            let is_family = |file: &str| file.starts_with(&format!("{folder}/")) && file != table;
            let families = uses.iter_mut().filter(|(file, _)| is_family(file));
            families.for_each(|(_, used)| used.retain(|other, _| *other != table));
        }
        problems.extend(modules::circles(&uses).iter().map(|circle| modules::shown(&uses, circle)));
    }
    none(&problems);
}

/// The same of the folders and files in the first row of a crate, each as a whole.
#[test]
fn no_folder_uses_what_uses_it() {
    let mut problems = Vec::new();
    for uses in uses_of_crates() {
        let uses = modules::of_folders(&uses);
        problems.extend(modules::circles(&uses).iter().map(|circle| modules::shown(&uses, circle)));
    }
    none(&problems);
}

#[test]
fn every_file_is_used() {
    let all: BTreeSet<String> = files().into_iter().collect();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut open = roots(&all);
    while let Some(path) = open.pop() {
        let text = read(&path);
        for line in text.lines().map(|line| code(line).trim()) {
            let declared = line.strip_suffix(';').and_then(|line| {
                line.split_once("mod ").filter(|(before, _)| before.is_empty() || before.starts_with("pub"))
            });
            if let Some((_, name)) = declared {
                open.extend(module_file(&all, &path, name).filter(|file| !reached.contains(file)));
            }
        }
        reached.insert(path);
    }
    let mut problems: Vec<String> = Vec::new();
    for path in all.iter().filter(|path| path.ends_with(".rs") && !reached.contains(*path)) {
        problems.push(format!("{path}: no other file declares it as a module"));
    }
    let sources: String = with_ending(&[".rs", ".slt"]).into_iter().map(|(_, text)| text).collect();
    for path in all.iter().filter(|path| path.ends_with(".bpf") || path.starts_with("tests/slt/data/")) {
        // By its name, or by that of its folder.
        let relative = path.strip_prefix("tests/slt/data/").unwrap_or(path);
        let name = path.rsplit('/').next().unwrap_or(path);
        let folder = relative.rsplit_once('/').map(|(folder, _)| format!("/{folder}/"));
        if !sources.contains(name) && !folder.is_some_and(|folder| sources.contains(&folder)) {
            problems.push(format!("{path}: nothing uses it"));
        }
    }
    none(&problems);
}

/// The targets of the links of a document.
fn links(text: &str) -> Vec<String> {
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let referenced =
        text.lines().filter(|line| line.starts_with('[')).filter_map(|line| line.split_once("]: "));
    inline.chain(referenced.map(|(_, target)| target.trim())).map(String::from).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut problems = Vec::new();
    for (path, text) in with_ending(&[".md"]) {
        let folder = root().join(&path).parent().map(Path::to_owned).unwrap_or_default();
        for link in links(&text) {
            let target = link.split(['#', ' ']).next().unwrap_or("");
            let elsewhere = link.contains("://") || link.starts_with("mailto:") || target.is_empty();
            if !elsewhere && !folder.join(target).exists() {
                problems.push(format!("{path}: {link}"));
            }
        }
    }
    none(&problems);
}

#[test]
fn no_path_of_one_machine() {
    let prefixes =
        [["/ho", "me/"], ["/ro", "ot/"], ["/wo", "rk/"], ["/Us", "ers/"]].map(|parts| parts.concat());
    let mut problems = Vec::new();
    for (path, text) in
        with_ending(&[".rs", ".bpf", ".toml", ".md", ".sh", ".py", ".slt", ".c", ".h", ".ci/run"])
    {
        for (number, line) in text.lines().enumerate() {
            for prefix in prefixes.iter() {
                let begins = line.match_indices(prefix.as_str()).any(|(at, _)| {
                    // A path inside of another one is relative.
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}*".contains(c))
                });
                if begins {
                    problems.push(format!("{path}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    none(&problems);
}
