//! `connections.toml`, or a stage's parameter: one connection's section written, everything else left as it is.

use std::sync::Arc;

use handover_core::Timestamp;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::shelf::{Home, Shelf};
use crate::commands::Failure;

/// For a parameter, which is small.
const SHORT_HEADER: &str = "# Written by `engage-handover setup`.\n";
const HEADER: &str = "\
# Written by `engage-handover setup`; docs/configuration.md explains every setting.
# It holds secrets: keep it readable by the bridge only.

";

/// What is written, and what it shall become.
#[derive(Clone)]
pub(crate) struct ConfigFile {
    home: Home,
    shelf: Arc<dyn Shelf>,
    before: Option<String>,
    document: DocumentMut,
    connection: String,
}

impl ConfigFile {
    pub(crate) async fn open(home: Home, shelf: Arc<dyn Shelf>, connection: &str) -> Result<Self, Failure> {
        let before = shelf.read().await?;
        let document = before.as_deref().unwrap_or_default().parse::<DocumentMut>();
        let document = document.map_err(|error| {
            let line = error.span().map_or(0, |span| {
                let text = before.as_deref().unwrap_or_default();
                text.char_indices()
                    .filter(|(at, c)| *c == '\n' && *at < span.start)
                    .count()
                    + 1
            });
            let instead = if home.is_stage() {
                ""
            } else {
                ", or name another file with --config"
            };
            Failure::Theirs(format!(
                "{}: line {line} is not valid TOML; mend it{instead}",
                shelf.name()
            ))
        })?;
        let opened = Self {
            home,
            shelf,
            before,
            document,
            connection: connection.to_owned(),
        };
        let mut others = opened.connections();
        others.retain(|name| name != connection);
        if opened.home.is_stage() && !others.is_empty() {
            return Err(Failure::Theirs(format!(
                "the parameter {} must hold the section [connections.{connection}] and no other connection; take the others out first",
                opened.name()
            )));
        }
        Ok(opened)
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// A path, or a parameter's name.
    pub(crate) fn name(&self) -> String {
        self.shelf.name()
    }

    pub(crate) fn has_section(&self) -> bool {
        self.item(&[]).is_some()
    }

    /// The names of all connections.
    pub(crate) fn connections(&self) -> Vec<String> {
        let named = self.document.get("connections").and_then(Item::as_table_like);
        named
            .into_iter()
            .flat_map(TableLike::iter)
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// The sources of a connection in the file, as far as they are written there.
    pub(crate) fn sources_of(&self, connection: &str) -> Vec<String> {
        let sections = self.document.get("connections");
        let ringcx = sections.and_then(|all| all.get(connection)?.get("ringcx"));
        let texts = |key: &str| -> Vec<String> {
            match ringcx.and_then(|ringcx| ringcx.get(key)?.as_value()) {
                Some(Value::String(only)) => vec![only.value().clone()],
                Some(Value::Array(items)) => items
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
                _ => Vec::new(),
            }
        };
        let mut sources = texts("source_id");
        for source in texts("source_ids") {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        if sources.is_empty() {
            let urls = texts("realtime_endpoint_url");
            let url = urls.first().and_then(|url| url.parse().ok());
            let learnt = url.and_then(|url| handover_ringcx::base_url::source_id(&url));
            sources.extend(learnt.map(|id| id.to_string()));
        }
        sources
    }

    /// A list of texts, the only ones.
    pub(crate) fn set_list(&mut self, path: &[&str], texts: &[String]) -> Result<(), Failure> {
        self.set(path, Value::Array(texts.iter().collect()))
    }

    /// Takes a setting out, if it is there.
    pub(crate) fn unset(&mut self, path: &[&str]) {
        let Some((key, sections)) = path.split_last() else {
            return;
        };
        let mut at = self
            .document
            .get_mut("connections")
            .and_then(|all| all.get_mut(&self.connection));
        for section in sections {
            at = at.and_then(|at| at.get_mut(section));
        }
        if let Some(at) = at.and_then(Item::as_table_like_mut) {
            at.remove(key);
        }
    }

    /// A text of the section; of several, the first.
    pub(crate) fn text(&self, path: &[&str]) -> Option<String> {
        match self.item(path)?.as_value()? {
            Value::Array(items) => items.get(0)?.as_str(),
            value => value.as_str(),
        }
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
    }

    /// A setting as it is written, whatever it is.
    pub(crate) fn written(&self, path: &[&str]) -> Option<String> {
        self.item(path).map(Item::to_string)
    }

    fn item(&self, path: &[&str]) -> Option<&Item> {
        let root = self.document.get("connections")?.get(&self.connection)?;
        path.iter().try_fold(root, |item, key| item.get(key))
    }

    pub(crate) fn set_text(&mut self, path: &[&str], text: &str) -> Result<(), Failure> {
        if self.text(path).as_deref() != Some(text) {
            self.set(path, Value::from(text))?;
        }
        Ok(())
    }

    /// The first of a list; others that are there stay behind it.
    pub(crate) fn set_first(&mut self, path: &[&str], text: &str) -> Result<(), Failure> {
        if self.text(path).as_deref() == Some(text) {
            return Ok(());
        }
        let mut list = Array::new();
        list.push(text);
        match self.item(path).and_then(Item::as_value) {
            Some(Value::Array(items)) => {
                for item in items
                    .iter()
                    .filter_map(Value::as_str)
                    .filter(|item| *item != text)
                {
                    list.push(item);
                }
            }
            Some(Value::String(only)) => list.push(only.value()),
            _ => {}
        }
        self.set(path, Value::Array(list))
    }

    pub(crate) fn set_flag(&mut self, path: &[&str], flag: bool) -> Result<(), Failure> {
        self.set(path, Value::from(flag))
    }

    pub(crate) fn has(&self, path: &[&str]) -> bool {
        self.item(path).is_some()
    }

    /// `{ id = …, name = … }`
    pub(crate) fn set_face(&mut self, path: &[&str], id: &str, name: &str) -> Result<(), Failure> {
        let at = |key| [path, &[key]].concat();
        let as_it_is = |key, value: &str| self.text(&at(key)).as_deref() == Some(value);
        if as_it_is("id", id) && as_it_is("name", name) {
            return Ok(());
        }
        if self.has(path) {
            self.set_text(&at("id"), id)?;
            return self.set_text(&at("name"), name);
        }
        let mut face = InlineTable::new();
        face.insert("id", Value::from(id));
        face.insert("name", Value::from(name));
        self.set(path, Value::InlineTable(face))
    }

    fn set(&mut self, path: &[&str], value: Value) -> Result<(), Failure> {
        let Some((key, sections)) = path.split_last() else {
            return Ok(());
        };
        let shown = self.name();
        let odd = |name: &str| Failure::Theirs(format!("{shown}: {name} is not a section; mend it first"));
        let root: &mut dyn TableLike = self.document.as_table_mut();
        let root = below(root, "connections", true).ok_or_else(|| odd("connections"))?;
        let mut at = below(root, &self.connection, false).ok_or_else(|| odd(&self.connection))?;
        for section in sections {
            at = below(at, section, false).ok_or_else(|| odd(section))?;
        }
        match at.get_mut(key).and_then(Item::as_value_mut) {
            // Comments beside it stay.
            Some(old) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            None => {
                at.insert(key, Item::Value(value));
            }
        }
        Ok(())
    }

    /// This connection alone, as a file of its own.
    pub(crate) fn section(&self) -> String {
        let mut alone = DocumentMut::new();
        if let Some(section) = self.item(&[]) {
            let mut connections = Table::new();
            connections.set_implicit(true);
            connections.insert(&self.connection, section.clone());
            alone.insert("connections", Item::Table(connections));
        }
        alone.to_string()
    }

    /// Writes it, durably. Where what was there can still be had is returned.
    pub(crate) async fn save(&mut self, now: Timestamp) -> anyhow::Result<Option<String>> {
        let mut text = self.document.to_string();
        if self.before.is_none() {
            text.insert_str(
                0,
                if self.home.is_stage() {
                    SHORT_HEADER
                } else {
                    HEADER
                },
            );
        }
        let backup = self.back_up(now).await?;
        self.shelf.replace(&text).await?;
        self.before = Some(text);
        Ok(backup)
    }

    async fn back_up(&self, now: Timestamp) -> anyhow::Result<Option<String>> {
        match &self.before {
            Some(before) => self.shelf.keep(before, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes the section out. If it was the only one, the file goes and its backup stays; a parameter goes for good.
    pub(crate) async fn remove_section(&mut self, now: Timestamp) -> anyhow::Result<Option<String>> {
        let named = self
            .document
            .get_mut("connections")
            .and_then(Item::as_table_like_mut);
        let is_last = named.is_none_or(|named| {
            named.remove(&self.connection);
            named.is_empty()
        });
        if !is_last {
            return self.save(now).await;
        }
        let backup = if self.home.is_stage() {
            None
        } else {
            self.back_up(now).await?
        };
        if self.before.take().is_some() {
            self.shelf.remove().await?;
        }
        Ok(backup)
    }
}

/// A section below another, made if it is not there. `None`: something else stands there.
fn below<'a>(at: &'a mut dyn TableLike, key: &str, implicit: bool) -> Option<&'a mut dyn TableLike> {
    if !at.contains_key(key) {
        let mut table = Table::new();
        table.set_implicit(implicit);
        at.insert(key, Item::Table(table));
    }
    at.get_mut(key)?.as_table_like_mut()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::shelf::FileShelf;
    use super::*;

    async fn open(path: &Path, connection: &str) -> Result<ConfigFile, Failure> {
        let home = Home::File(path.to_owned());
        ConfigFile::open(home, Arc::new(FileShelf::new(path)), connection).await
    }

    const THEIRS: &str = "\
# ours, do not touch
[connections.shop]   # the shop
bot_keys = ['a-key-of-the-shop-bot']

[connections.shop.ringcx]
base_api_url   =   \"https://acme.api.engagement.dimelo.com\" # odd spaces
";

    async fn opened(text: Option<&str>, connection: &str) -> (tempfile::TempDir, ConfigFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connections.toml");
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let file = open(&path, connection).await.unwrap();
        (dir, file)
    }

    fn now() -> Timestamp {
        "2026-11-26T13:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn other_connections_comments_and_spaces_stay_as_they_are() {
        let (dir, mut file) = opened(Some(THEIRS), "web").await;
        file.set_first(&["bot_keys"], "a-new-key-0123456789").unwrap();
        file.set_text(&["ringcx", "base_api_url"], "https://web.example")
            .unwrap();
        file.set_face(&["ringcx", "bot_identity"], "bot", "Bot").unwrap();
        let backup = file.save(now()).await.unwrap().unwrap();
        let written = std::fs::read_to_string(dir.path().join("connections.toml")).unwrap();
        assert!(written.starts_with(THEIRS), "{written}");
        assert!(written.contains("[connections.web.ringcx]\nbase_api_url = \"https://web.example\""));
        assert!(
            written.contains("bot_identity = { id = \"bot\", name = \"Bot\" }"),
            "{written}"
        );
        assert_eq!(std::fs::read_to_string(backup).unwrap(), THEIRS);

        let again = open(&dir.path().join("connections.toml"), "web").await.unwrap();
        assert_eq!(again.text(&["bot_keys"]).as_deref(), Some("a-new-key-0123456789"));
        assert_eq!(again.document.to_string(), written);
    }

    #[tokio::test]
    async fn a_value_that_changes_keeps_the_comment_beside_it_and_a_rotated_token_stays_valid() {
        let (_dir, mut file) = opened(Some(THEIRS), "shop").await;
        file.set_text(&["ringcx", "base_api_url"], "https://new.example")
            .unwrap();
        file.set_first(&["bot_keys"], "the-next-key-of-the-bot").unwrap();
        let text = file.document.to_string();
        assert!(
            text.contains("=   \"https://new.example\" # odd spaces"),
            "{text}"
        );
        assert!(
            text.contains(r#"bot_keys = ["the-next-key-of-the-bot", "a-key-of-the-shop-bot"]"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_new_file_is_for_its_owner_only_and_an_old_one_loses_what_others_may_do() {
        use std::os::unix::fs::PermissionsExt as _;
        let (dir, mut file) = opened(None, "default").await;
        let path = dir.path().join("connections.toml");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        file.set_text(&["bot", "url"], "https://bot.example").unwrap();
        assert_eq!(file.save(now()).await.unwrap(), None);
        assert_eq!(mode(), 0o600);
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.starts_with("# Written by"), "{written}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        file.set_text(&["bot", "url"], "https://other.example").unwrap();
        let backup = file.save(now()).await.unwrap().unwrap();
        assert_eq!(mode(), 0o640, "its group was let in on purpose");
        assert_eq!(
            std::fs::metadata(backup).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[tokio::test]
    async fn a_removed_section_leaves_the_others_and_the_last_one_takes_the_file_along() {
        let (dir, mut file) = opened(Some(THEIRS), "web").await;
        file.set_text(&["bot", "url"], "https://bot.example").unwrap();
        file.save(now()).await.unwrap();
        file.remove_section(now()).await.unwrap();
        let path = dir.path().join("connections.toml");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap().trim_end(),
            THEIRS.trim_end()
        );
        let mut shop = open(&path, "shop").await.unwrap();
        let kept = shop.remove_section(now()).await.unwrap().unwrap();
        assert!(Path::new(&kept).exists());
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_mistake_in_the_file_is_named_by_its_line_and_never_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connections.toml");
        std::fs::write(&path, "[connections.a]\nbot_keys = [\"my-secret-key\n").unwrap();
        let Err(Failure::Theirs(error)) = open(&path, "a").await.map(|_| ()) else {
            panic!("it is refused");
        };
        assert!(
            error.contains("line 2") && !error.contains("my-secret"),
            "{error}"
        );
    }
}
