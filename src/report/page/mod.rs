//! A release as one page of HTML that needs nothing but itself: no script, no network, pictures as inline SVG, light and
//! dark, to be read aloud and to be printed. Pure: from what a journal and a look at AWS say to a text.

mod chart;
mod gate;
mod html;
mod judged;
mod sections;
mod story;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use self::html::esc;
use super::status_text::Status;
pub use story::Story;

const STYLE: &str = include_str!("style.css");

/// What a page is made from.
#[derive(Debug)]
pub struct Page<'a> {
    /// The target as named.
    pub target: String,
    /// When the page is made.
    pub at: Timestamp,
    /// The release, if a journal of it is here.
    pub story: Option<&'a Story>,
    /// What must be known to read it, such as what it lacks: a word, and a paragraph.
    pub remarks: Vec<(&'static str, String)>,
    /// What AWS is now, if it was asked.
    pub live: Option<&'a Status>,
    /// What could be done next: what for, and the command.
    pub commands: Vec<(String, String)>,
}

impl Page<'_> {
    /// The whole page.
    pub fn render(&self) -> String {
        let title = self.story.map_or_else(|| format!("{}: what AWS says", self.target), sections::title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             {}<main>\n{}</main>\n{}</body>\n</html>\n",
            esc(&title),
            sections::header(self, &title),
            self.sections().concat(),
            sections::footer(self),
        )
    }

    fn sections(&self) -> Vec<String> {
        let mut all = vec![sections::outcome(self)];
        all.extend(self.live.map(|live| sections::now(live, self.at)));
        if let Some(story) = self.story {
            all.extend(sections::moved(story));
            all.extend(sections::traffic(story));
            all.extend(gate::section_of(story));
            all.push(sections::writes(story));
            all.extend(sections::notices(story));
        }
        all
    }
}
