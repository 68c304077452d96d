//! Which module of a crate uses what another one defines, and the circles among them.
//!
//! A module uses another if it names an item of it, in a `use` or in a path; what is re-exported belongs to the module that
//! defines it. `mod a;` and `pub use a::X;` alone use nothing: a module may show what its children have. So a parent and
//! its child are a circle if each names an item of the other, as any two modules are. What only tests have is not looked
//! at. Methods are not seen: text does not tell whose they are.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::source::{Token, begins, group_length, tokens, without_tests};

/// `crate::a::b` is `["a", "b"]`, the root is empty.
type Path = Vec<String>;

/// A name that a module has from elsewhere.
#[derive(Debug)]
struct Import {
    /// As it is written.
    path: Path,
    /// `*` for all names.
    name: String,
    line: usize,
    is_public: bool,
}

#[derive(Debug, Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    /// The items of this file.
    defined: BTreeSet<String>,
    imports: Vec<Import>,
    /// `a::b`, outside of imports.
    paths: Vec<(Path, usize)>,
    /// Words outside of imports, each with its first line.
    words: BTreeMap<String, usize>,
}

/// The modules of a crate, by their paths.
#[derive(Debug, Default)]
pub struct Crate(BTreeMap<Path, Module>);

/// From a module to those that it uses, each with the line of the file that says so first.
pub type Uses = BTreeMap<String, BTreeMap<String, usize>>;

/// How often a name is looked up by another name.
const DEPTH_MAX: usize = 9;

const ITEMS: [&str; 9] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];

impl Crate {
    /// The crate of a root such as `engine/src/lib.rs`. `find` gives the file of a module and its text.
    pub fn read(root: &str, find: impl Fn(&str, &str) -> Option<(String, String)>, text: &str) -> Crate {
        let mut read = Crate::default();
        let mut open = vec![(Path::new(), root.to_owned(), text.to_owned())];
        while let Some((path, file, text)) = open.pop() {
            let module = Module::read(&file, &without_tests(&tokens(&text)));
            for child in &module.children {
                if let Some((child_file, child_text)) = find(&file, child) {
                    open.push(([path.clone(), vec![child.clone()]].concat(), child_file, child_text));
                }
            }
            read.0.insert(path, module);
        }
        read
    }

    /// Who uses whom.
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (path, module) in &self.0 {
            let mut found: Vec<(Path, usize)> = Vec::new();
            let mut add = |definer: Option<Path>, line| found.extend(definer.map(|definer| (definer, line)));
            for import in &module.imports {
                if import.name == "*" {
                    let from = self.module_of(path, &import.path);
                    for (word, line) in module.words.iter().filter(|_| !import.is_public) {
                        add(from.as_ref().and_then(|from| self.definer_in(from, word, 0)), *line);
                    }
                } else if !import.is_public || module.words.contains_key(&import.name) {
                    add(self.definer(path, &import.path, 0), import.line);
                }
            }
            for (inline, line) in &module.paths {
                add(self.definer(path, inline, 0), *line);
            }
            let own = uses.entry(module.file.clone()).or_default();
            for (definer, line) in found.into_iter().filter(|(definer, _)| definer != path) {
                let first = own.entry(self.0[&definer].file.clone()).or_insert(line);
                *first = line.min(*first);
            }
        }
        uses
    }

    /// The module that a path leads to, if it leads to one.
    fn module_of(&self, from: &Path, path: &[String]) -> Option<Path> {
        self.module_at(from, path, 0)
    }

    fn module_at(&self, from: &Path, path: &[String], depth: usize) -> Option<Path> {
        let mut at = from.clone();
        for part in path {
            at = match part.as_str() {
                "crate" => Path::new(),
                "self" => at,
                "super" => at[..at.len().checked_sub(1)?].to_vec(),
                part if self.0[&at].children.contains(part) => [at, vec![part.to_owned()]].concat(),
                part => {
                    let import = self.0[&at].imports.iter().find(|import| import.name == part)?;
                    // Of another crate, `use a::a` would lead to itself.
                    if depth > DEPTH_MAX {
                        return None;
                    }
                    self.module_at(&at, &import.path, depth + 1)?
                }
            };
            if !self.0.contains_key(&at) {
                return None;
            }
        }
        Some(at)
    }

    /// The module that defines what a path leads to. Nothing for another crate's, and for a module as such.
    fn definer(&self, from: &Path, path: &[String], depth: usize) -> Option<Path> {
        // What leads to modules, then the item, then what is in it: variants, associated functions.
        let modules = (0..=path.len()).rev().find_map(|length| {
            Some((length, self.module_of(from, &path[..length]).filter(|_| length > 0 || depth > 0)?))
        });
        match modules {
            Some((length, module)) => self.definer_in(&module, path.get(length)?, depth + 1),
            // The first part is an item that the module imports, which is counted there, or has.
            None => None,
        }
    }

    /// The module that defines a name of a module.
    fn definer_in(&self, module: &Path, name: &str, depth: usize) -> Option<Path> {
        let found = &self.0[module];
        if found.defined.contains(name) {
            return Some(module.clone());
        }
        if depth > DEPTH_MAX || found.children.contains(name) {
            return None;
        }
        if let Some(import) = found.imports.iter().find(|import| import.name == name) {
            return self.definer(module, &import.path, depth + 1);
        }
        let mut globs = found.imports.iter().filter(|import| import.name == "*");
        globs.find_map(|glob| {
            let from = self.module_of(module, &glob.path)?;
            self.definer_in(&from, name, depth + 1)
        })
    }
}

impl Module {
    fn read(file: &str, tokens: &[Token<'_>]) -> Module {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        let (mut at, mut depth) = (0, 0_i32);
        while at < tokens.len() {
            let text = tokens[at].text;
            let next = tokens.get(at + 1).map_or("", |token| token.text);
            if depth == 0 && text == "mod" && tokens.get(at + 2).is_some_and(|token| token.text == ";") {
                module.children.insert(next.to_owned());
                at += 3;
            } else if text == "use" {
                // Also one inside of a function.
                let is_public = at > 0 && matches!(tokens[at - 1].text, "pub" | ")");
                let end = tokens[at..].iter().position(|token| token.text == ";");
                let end = end.map_or(tokens.len(), |length| at + length);
                module.read_use(&tokens[at + 1..end], &Path::new(), is_public);
                at = end;
            } else if text == "pub" && next == "(" {
                at += 1 + group_length(&tokens[at + 1..]);
            } else {
                at += module.read_code(tokens, at, depth);
            }
            depth += match text {
                "{" => 1,
                "}" => -1,
                _ => 0,
            };
        }
        module
    }

    /// A path or a single token; returns how many tokens it was.
    fn read_code(&mut self, tokens: &[Token<'_>], at: usize, depth: i32) -> usize {
        let token = tokens[at];
        if !token.is_word() {
            return 1;
        }
        if depth == 0 && ITEMS.contains(&token.text) {
            let skipped = usize::from(tokens.get(at + 1).is_some_and(|token| token.text == "!"));
            if let Some(name) = tokens.get(at + 1 + skipped) {
                self.defined.insert(name.text.to_owned());
            }
        }
        let mut path = vec![token.text.to_owned()];
        let mut length = 1;
        while begins(&tokens[at + length..], &["::"])
            && let Some(part) = tokens.get(at + length + 1).filter(|token| token.is_word())
        {
            path.push(part.text.to_owned());
            length += 2;
        }
        let continues = at > 0 && matches!(tokens[at - 1].text, "::" | ".");
        if !continues {
            self.words.entry(token.text.to_owned()).or_insert(token.line);
            if path.len() > 1 {
                self.paths.push((path, token.line));
            }
        }
        length
    }

    /// What stands behind `use`, groups included.
    fn read_use(&mut self, tokens: &[Token<'_>], prefix: &Path, is_public: bool) {
        let mut path = prefix.clone();
        let mut at = 0;
        while at < tokens.len() {
            let token = tokens[at];
            match token.text {
                "{" => {
                    let end = at + group_length(&tokens[at..]);
                    for part in parts(&tokens[at + 1..end - 1]) {
                        self.read_use(part, &path, is_public);
                    }
                    return;
                }
                "as" => {
                    let name = tokens.get(at + 1).map_or("_", |token| token.text).to_owned();
                    self.imports.push(Import { path, name, line: token.line, is_public });
                    return;
                }
                "*" => {
                    let name = "*".to_owned();
                    self.imports.push(Import { path, name, line: token.line, is_public });
                    return;
                }
                "self" if !path.is_empty() => {}
                "::" => {}
                part => path.push(part.to_owned()),
            }
            at += 1;
        }
        if let (Some(name), Some(token)) = (path.last().cloned(), tokens.last()) {
            self.imports.push(Import { path, name, line: token.line, is_public });
        }
    }
}

/// Cut at the commas that are in no braces.
fn parts<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0;
    let is_comma = |token: &Token<'_>| {
        depth += match token.text {
            "{" => 1,
            "}" => -1,
            _ => 0,
        };
        depth == 0 && token.text == ","
    };
    tokens.split(is_comma).filter(|part| !part.is_empty()).collect()
}

/// Who uses whom, by the folder or file in the first row below `src/`.
pub fn of_folders(uses: &Uses) -> Uses {
    let row = |file: &str| {
        let (crate_folder, path) = file.split_once("src/").unwrap_or(("", file));
        let first = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
        format!("{crate_folder}src/{first}")
    };
    let mut folders = Uses::new();
    for (file, used) in uses {
        let own = folders.entry(row(file)).or_default();
        for (other, line) in used.iter().filter(|(other, _)| row(other) != row(file)) {
            own.entry(row(other)).or_insert(*line);
        }
    }
    folders
}

/// The shortest circle through each module that is in one, none twice: the modules in their order.
pub fn circles(uses: &Uses) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let shortest = uses.keys().filter_map(|module| circle(uses, module));
    shortest.filter(|circle| seen.insert(circle.iter().cloned().collect::<BTreeSet<_>>())).collect()
}

fn circle(uses: &Uses, module: &str) -> Option<Vec<String>> {
    let mut open = VecDeque::from([vec![module.to_owned()]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = open.pop_front() {
        for used in way.last().and_then(|last| uses.get(last))?.keys() {
            if used == module {
                return Some(way);
            }
            if reached.insert(used.clone()) {
                open.push_back([way.clone(), vec![used.clone()]].concat());
            }
        }
    }
    None
}

/// `circle: a -> b -> a, by a:7 and b:3`
pub fn shown(uses: &Uses, circle: &[String]) -> String {
    let lines = circle.iter().enumerate().map(|(at, module)| {
        let next = &circle[(at + 1) % circle.len()];
        format!("{module}:{}", uses[module][next])
    });
    let lines: Vec<String> = lines.collect();
    format!("circle: {} -> {}, by {}", circle.join(" -> "), circle[0], lines.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate of these files.
    fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
        let find = |parent: &str, child: &str| {
            let folder = parent.trim_end_matches(".rs").trim_end_matches("lib");
            let name = format!("{folder}{}{child}.rs", if folder.is_empty() { "" } else { "/" });
            let found = files.iter().find(|(file, _)| *file == name)?;
            Some((found.0.to_owned(), found.1.to_owned()))
        };
        let uses = Crate::read("lib.rs", find, files[0].1).uses();
        circles(&uses).iter().map(|circle| shown(&uses, circle)).collect()
    }

    const ROOT: &str = "mod a;\nmod b;\nmod c;";

    #[test]
    fn imports_and_paths_make_circles() {
        for (a, b) in [
            ("use crate::b::X;\nstruct Y;", "\nuse super::a::Y; struct X;"),
            (
                "use crate::{b::{self}, c};\nfn f() -> b::X {}\nstruct Y;",
                "\nfn x() { crate::a::Y::new() } enum X {}",
            ),
            ("use super::b::*;\npub fn f() { x() }", "pub fn x() {}\nfn g() { if y { super::a::f() } }"),
            ("fn y() { use crate::b;\nb::x() }", "pub(in crate::a) fn x() { crate::a::y() }"),
        ] {
            let found = circles_of(&[("lib.rs", ROOT), ("a.rs", a), ("b.rs", b), ("c.rs", "")]);
            assert_eq!(found.len(), 1, "{a}\n{b}");
            assert!(found[0].starts_with("circle: a.rs -> b.rs -> a.rs, by a.rs:"), "{found:?}");
        }
    }

    #[test]
    fn a_circle_of_three_is_told_once_with_its_lines() {
        let (a, b, c) = (
            "\nuse crate::b::B; fn a() {}",
            "use crate::c::C; struct B;",
            "\n\nuse crate::a::a; type C = u8;",
        );
        let found = circles_of(&[("lib.rs", ROOT), ("a.rs", a), ("b.rs", b), ("c.rs", c)]);
        assert_eq!(found, ["circle: a.rs -> b.rs -> c.rs -> a.rs, by a.rs:2 and b.rs:1 and c.rs:3"]);
    }

    /// No module of it uses what uses it.
    #[test]
    fn folders_make_circles_of_modules_that_make_none() {
        let used = |files: &[(&str, usize)]| {
            files.iter().map(|(file, line)| (format!("x/src/{file}"), *line)).collect()
        };
        let uses = Uses::from([
            ("x/src/a/one.rs".to_owned(), used(&[("b/one.rs", 3), ("a/two.rs", 1)])),
            ("x/src/b/two.rs".to_owned(), used(&[("a/two.rs", 5)])),
            ("x/src/c.rs".to_owned(), used(&[("b/two.rs", 7)])),
        ]);
        assert_eq!(circles(&uses), [[""; 0]; 0]);
        let folders = of_folders(&uses);
        assert_eq!(circles(&folders), [["x/src/a", "x/src/b"]]);
        assert!(shown(&folders, &circles(&folders)[0]).ends_with("by x/src/a:3 and x/src/b:5"));
    }

    #[test]
    fn what_is_shown_belongs_to_where_it_is_defined() {
        // The root shows what `b` has, and `a` takes it from there; `b` uses `a`.
        let root = format!("{ROOT}\npub use b::X;");
        let a = "use crate::X;\npub struct Y;";
        let found = circles_of(&[
            ("lib.rs", &root),
            ("a.rs", a),
            ("b.rs", "use crate::a::Y; pub struct X;"),
            ("c.rs", ""),
        ]);
        assert_eq!(found, ["circle: a.rs -> b.rs -> a.rs, by a.rs:1 and b.rs:1"]);
        let found = circles_of(&[("lib.rs", &root), ("a.rs", a), ("b.rs", "pub struct X;"), ("c.rs", "")]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn parent_and_child_are_a_circle_if_each_names_an_item_of_the_other() {
        let child = ("a/d.rs", "use super::Y; pub struct X;");
        let parent = |text: &'static str| ("a.rs", text);
        let rest = [("b.rs", ""), ("c.rs", "")];
        let with = |parent, child| {
            circles_of(&[[("lib.rs", ROOT), parent, child], [rest[0], rest[1], rest[0]]].concat())
        };
        let both = parent("mod d; use d::X; struct Y(X);");
        assert_eq!(with(both, child), ["circle: a.rs -> a/d.rs -> a.rs, by a.rs:1 and a/d.rs:1"]);
        // It uses what it shows.
        assert_eq!(with(parent("mod d; pub use d::X; struct Y(X);"), child).len(), 1);
        assert_eq!(with(parent("mod d; pub use d::X; struct Y;"), child), [""; 0]);
        assert_eq!(with(both, ("a/d.rs", "pub struct X;")), [""; 0]);
        assert_eq!(
            with(both, ("a/d.rs", "pub struct X; #[cfg(test)] mod tests { use super::super::Y; }")),
            [""; 0]
        );
    }
}
