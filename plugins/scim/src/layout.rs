//! Which attributes a row is made of, and where in a resource each of them stands: a tree like the resource's own, so that
//! a page is read from its text into cells in one go, without a tree of JSON in between.

use crate::model::{Attribute, Class, Path, Returned, Syntax};
use crate::options::MemberValue;
use crate::server::Server;
use hawser_sdk::{Cell, Result};

/// How the resources of a class become rows.
pub(crate) struct Layout {
    pub(crate) root: Fields,
    /// The cells of a resource that shows nothing.
    pub(crate) blank: Vec<Cell>,
    /// Has it a name of its own? Otherwise that is its id.
    pub(crate) is_named: bool,
    pub(crate) targets: Targets,
    /// As a request asks for it.
    pub(crate) wanted: Wanted,
}

/// The members of an object, by their names.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, Node)>);

#[derive(Debug)]
pub(crate) enum Node {
    Leaf(Leaf),
    Inner(Fields),
}

/// A value to be read.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// Which cell it is for.
    pub(crate) cell: Option<usize>,
    pub(crate) role: Option<Role>,
    pub(crate) name: String,
    pub(crate) syntax: Syntax,
    pub(crate) multi: bool,
    pub(crate) parts: Vec<(String, Syntax)>,
    /// The class a reference points to where it does not say so itself.
    pub(crate) refers_to: Option<String>,
}

/// What of a resource is not an attribute here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Uid,
    Name,
    Revision,
}

/// How references are read.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    /// Resource types, what stands before an id in their URLs, and their classes.
    pub(crate) classes: Vec<(String, String, String)>,
    pub(crate) by: MemberValue,
    /// With more values, a relation is partial.
    pub(crate) large: usize,
}

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) attributes: Option<String>,
    pub(crate) excluded: Option<String>,
}

impl Layout {
    /// # Errors
    /// An attribute that the class does not have.
    pub(crate) fn new(server: &Server, class: &Class, attributes: &[String]) -> Result<Self> {
        let large = usize::try_from(server.options.large_group).unwrap_or(usize::MAX);
        Self::of(class, attributes, Targets::of(server, large))
    }

    pub(crate) fn of(class: &Class, attributes: &[String], targets: Targets) -> Result<Self> {
        let mut root = Fields::default();
        let text = |name: &str| Leaf { role: None, ..Leaf::text(name) };
        root.add(&path("id", None), Leaf { role: Some(Role::Uid), ..text("id") });
        root.add(&path("meta", Some("version")), Leaf { role: Some(Role::Revision), ..text("meta:version") });
        if let Some(naming) = class.naming() {
            root.add(&naming.path, Leaf { role: Some(Role::Name), ..Leaf::new(naming, None) });
        }
        let asked = attributes.iter().map(|name| class.known(name)).collect::<Result<Vec<_>>>()?;
        let mut blank = Vec::with_capacity(asked.len());
        for (at, attribute) in asked.iter().enumerate() {
            blank.push(if attribute.is_readable() { Cell::Absent } else { Cell::Unread });
            if attribute.is_readable() {
                root.add(&attribute.path, Leaf::new(attribute, Some(at)));
            }
        }
        let is_named = class.named_by.is_some();
        Ok(Self { root, blank, is_named, targets, wanted: Wanted::of(class, &asked) })
    }
}

impl Targets {
    pub(crate) fn of(server: &Server, large: usize) -> Self {
        let class = |class: &Class| (class.resource_type.clone(), format!("{}/", class.endpoint), class.name.clone());
        Self { classes: server.classes.iter().map(class).collect(), by: server.options.member_value, large }
    }

    /// The class that a resource type is, or where a URL leads.
    pub(crate) fn class(&self, kind: Option<&str>, url: Option<&str>) -> Option<&str> {
        let of_type = |kind: &str| self.classes.iter().find(|(own, ..)| own.eq_ignore_ascii_case(kind));
        let of_url = |url: &str| self.classes.iter().find(|(_, endpoint, _)| url.contains(endpoint.as_str()));
        kind.and_then(of_type).or_else(|| url.and_then(of_url)).map(|(.., class)| class.as_str())
    }
}

impl Fields {
    /// The field of a name, whatever its case. Resources repeat the order of their fields, so looking goes on from the
    /// last one.
    pub(crate) fn find(&self, name: &str, from: usize) -> Option<usize> {
        let (before, after) = self.0.split_at_checked(from).unwrap_or((&self.0, &[]));
        let is_it = |(own, _): &(String, Node)| is_called(own, name);
        let later = after.iter().position(is_it).map(|at| from + at);
        later.or_else(|| before.iter().position(is_it))
    }

    fn add(&mut self, path: &Path, leaf: Leaf) {
        let steps = [path.extension.as_deref(), Some(path.attribute.as_str()), path.sub.as_deref()];
        self.add_below(&steps.into_iter().flatten().collect::<Vec<_>>(), leaf);
    }

    fn add_below(&mut self, steps: &[&str], leaf: Leaf) {
        let [first, rest @ ..] = steps else { return };
        if rest.is_empty() {
            return self.place(first, leaf);
        }
        let inner = self.0.iter_mut().find_map(|(name, node)| match node {
            Node::Inner(fields) if name == first => Some(fields),
            _ => None,
        });
        match inner {
            Some(fields) => fields.add_below(rest, leaf),
            None => {
                let mut fields = Self::default();
                fields.add_below(rest, leaf);
                self.0.push(((*first).to_owned(), Node::Inner(fields)));
            }
        }
    }

    /// One value may be both the name and a cell.
    fn place(&mut self, name: &str, leaf: Leaf) {
        let held = self.find(name, 0).and_then(|at| self.0.get_mut(at));
        match held {
            Some((_, Node::Leaf(held))) => held.cell = held.cell.or(leaf.cell),
            _ => self.0.push((name.to_owned(), Node::Leaf(leaf))),
        }
    }
}

impl Leaf {
    fn text(name: &str) -> Self {
        Self {
            cell: None,
            role: None,
            name: name.to_owned(),
            syntax: Syntax::Text,
            multi: false,
            parts: Vec::new(),
            refers_to: None,
        }
    }

    fn new(attribute: &Attribute, cell: Option<usize>) -> Self {
        Self {
            cell,
            syntax: attribute.syntax,
            multi: attribute.multi,
            parts: attribute.parts.clone(),
            refers_to: attribute.refers_to.first().filter(|_| attribute.refers_to.len() == 1).cloned(),
            ..Self::text(&attribute.name)
        }
    }
}

impl Wanted {
    /// Everything a service shows by itself needs no words but for the relations that are not wanted of it; anything less is
    /// listed. Services that take the attributes of extensions by their names are few, so those are had with all the others.
    fn of(class: &Class, asked: &[&Attribute]) -> Self {
        let is_asked = |it: &Attribute| asked.iter().any(|asked| asked.name == it.name);
        let shown = class.attributes.iter().filter(|it| it.returned == Returned::ByDefault && it.is_readable());
        let is_own = |it: &Attribute| it.path.attribute == "meta" || Some(&it.name) == class.named_by.as_ref();
        let (relations, others): (Vec<&Attribute>, Vec<&Attribute>) =
            shown.filter(|it| !is_asked(it) && !is_own(it)).partition(|it| it.syntax == Syntax::Reference && it.multi);
        let is_extended = asked.iter().any(|it| it.path.extension.is_some());
        if is_extended || (others.is_empty() && asked.iter().all(|it| it.returned != Returned::OnRequest)) {
            return Self { attributes: None, excluded: joined(relations.iter().map(|it| it.path.whole())) };
        }
        let named = class.naming().map(|it| it.path.to_string());
        let readable = asked.iter().filter(|it| it.is_readable() && it.path.attribute != "meta");
        let listed = ["id".to_owned(), "meta".to_owned()].into_iter().chain(named);
        let mut listed: Vec<String> = listed.chain(readable.map(|it| it.path.to_string())).collect();
        listed.sort();
        listed.dedup();
        Self { attributes: joined(listed.into_iter()), excluded: None }
    }
}

/// Is it the same name? Services nearly always write names as their schemas do, and to find that out takes less.
pub(crate) fn is_called(own: &str, name: &str) -> bool {
    own.len() == name.len() && (own == name || own.eq_ignore_ascii_case(name))
}

fn joined(names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| names.join(","))
}

fn path(attribute: &str, sub: Option<&str>) -> Path {
    Path { extension: None, attribute: attribute.to_owned(), sub: sub.map(str::to_owned) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::builder::tests::{DEPARTMENT, standard};

    pub(crate) fn targets(by: MemberValue, large: usize) -> Targets {
        let class = |class: Class| (class.resource_type, format!("{}/", class.endpoint), class.name);
        Targets { classes: standard().into_iter().map(class).collect(), by, large }
    }

    pub(crate) fn layout(class: &Class, attributes: &[&str], large: usize) -> Layout {
        let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
        Layout::of(class, &attributes, targets(MemberValue::Id, large)).unwrap()
    }

    #[test]
    fn an_attribute_that_is_not_there_is_named() {
        let layout = Layout::of(&standard()[0], &["nosuch".to_owned()], targets(MemberValue::Id, 2));
        assert_eq!(layout.err().unwrap().attributes(), ["nosuch"]);
    }

    #[test]
    fn little_is_listed_and_everything_is_not() {
        let classes = standard();
        let some = layout(&classes[0], &["name:givenName", "password", "meta:created"], 2).wanted;
        let expected = Some("id,meta,name.givenName,userName".to_owned());
        assert_eq!(some, Wanted { attributes: expected, excluded: None });
        let extended = layout(&classes[0], &["title", DEPARTMENT], 2).wanted;
        assert_eq!(extended, Wanted { attributes: None, excluded: Some("groups".to_owned()) });
        let names: Vec<&str> = classes[1].attributes.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(layout(&classes[1], &names, 2).wanted, Wanted::default());
        assert_eq!(layout(&classes[1], &["externalId"], 2).wanted.excluded.as_deref(), Some("members"));
    }

    #[test]
    fn fields_are_found_in_any_order_and_case() {
        let layout = layout(&standard()[0], &["title", "nickName"], 2);
        let names: Vec<&str> = layout.root.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["id", "meta", "userName", "title", "nickName"]);
        assert_eq!(layout.root.find("TITLE", 4), Some(3));
        assert_eq!(layout.root.find("nickname", 4), Some(4));
        assert_eq!(layout.root.find("nick", 99), None);
    }

    #[test]
    fn a_reference_points_where_its_type_or_its_url_says() {
        let targets = targets(MemberValue::Id, 2);
        assert_eq!(targets.class(Some("group"), Some("https://x/Users/1")), Some("group"));
        assert_eq!(targets.class(Some("direct"), Some("https://x/v2/Users/1")), Some("account"));
        assert_eq!(targets.class(None, None), None);
    }
}
