//! Somebody at the terminal who has made up their mind.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use stagegate::engine::person::{Answer, Choice, Demand, Occasion, Person, Question};

/// A key, and when it is pressed.
type Press = (Demand, Box<dyn Fn() -> bool>);

/// Answers in order, then nothing more; keys in order, one whenever `due` says so.
#[derive(Default)]
pub struct Scripted {
    answers: RefCell<VecDeque<Option<Answer>>>,
    keys: RefCell<Vec<Press>>,
    /// What happens while the next question stands.
    meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
    asked: RefCell<Vec<Question>>,
    away: Cell<bool>,
}

impl Scripted {
    /// With these answers.
    pub fn answering(choices: impl IntoIterator<Item = Option<Choice>>) -> Self {
        let reason = |choice| (choice == Choice::PassOnce).then(|| "the errors are the load test's".to_owned());
        let answer = |choice| Answer { choice, reason: reason(choice) };
        let answers = choices.into_iter().map(|choice| choice.map(answer)).collect();
        Self { answers: RefCell::new(answers), ..Self::default() }
    }

    /// Presses a key once something is so.
    pub fn key(self, demand: Demand, due: impl Fn() -> bool + 'static) -> Self {
        self.keys.borrow_mut().push((demand, Box::new(due)));
        self
    }

    /// Something happens while the first question stands.
    pub fn meanwhile(self, happens: impl FnOnce() + 'static) -> Self {
        *self.meanwhile.borrow_mut() = Some(Box::new(happens));
        self
    }

    /// What they were asked.
    pub fn occasions(&self) -> Vec<Occasion> {
        self.asked.borrow().iter().map(|question| question.occasion).collect()
    }

    /// The last question.
    pub fn last(&self) -> Question {
        self.asked.borrow().last().expect("somebody was asked").clone()
    }

    /// As a person of a laboratory, and to ask about afterwards.
    pub fn sit_down(self) -> Rc<Self> {
        Rc::new(self)
    }
}

impl Person for Scripted {
    fn is_there(&self, _: Occasion) -> bool {
        !self.away.get()
    }

    fn demand(&self) -> Option<Demand> {
        let mut keys = self.keys.borrow_mut();
        let at = keys.iter().position(|(_, due)| due())?;
        Some(keys.remove(at).0)
    }

    fn ask<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Option<Answer>> {
        self.asked.borrow_mut().push(question.clone());
        if let Some(happens) = self.meanwhile.borrow_mut().take() {
            happens();
        }
        let answer = self.answers.borrow_mut().pop_front().unwrap_or_else(|| {
            self.away.set(true);
            None
        });
        if let Some(answer) = &answer {
            assert!(question.choices.contains(&answer.choice), "{answer:?} is no answer to {question:?}");
        }
        Box::pin(std::future::ready(answer))
    }
}
