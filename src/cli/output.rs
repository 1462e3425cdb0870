//! Files that a command is asked to write: put in place in one piece.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::problem::{Code, Exit, Problem};

/// Puts a text at a place in one piece, with the permissions of the file that was there. What is no file, such as a pipe,
/// is written to as it is.
///
/// # Errors
/// What the system says; nothing half is left.
pub fn store(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let old = std::fs::metadata(&path);
    match &old {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => return File::options().write(true).open(&path)?.write_all(text.as_bytes()),
        _ => {}
    }
    let beside = beside(&path)?;
    let write = || {
        let mut file = File::options().write(true).create_new(true).open(&beside)?;
        if let Ok(old) = old {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    write().inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}

/// A name for the text while it is not whole.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    Ok(path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id())))
}

/// Why a file that `flag` asks for is not there.
pub fn unwritable(flag: &str, file: &Path, error: &io::Error) -> Problem {
    let name = file.display();
    let problem = Problem::new(Code::FileUnwritable, format!("cannot write {name}"))
        .exit(Exit::Failed)
        .aws_now("only read, nothing was written")
        .fix(format!("name another file: {flag} FILE"));
    match error.kind() {
        io::ErrorKind::IsADirectory => problem.why(format!("{name} is a folder")).exit(Exit::Usage),
        io::ErrorKind::NotFound => problem.why("its folder does not exist").exit(Exit::Usage),
        _ => problem.why(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_appears_in_one_piece_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("release.html");
        store(&file, "one").unwrap();
        store(&file, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two");
        for (place, exit) in [
            (folder.path().to_owned(), Exit::Usage),
            (folder.path().join("gone/release.html"), Exit::Usage),
            (file.join("below"), Exit::Failed),
        ] {
            let error = store(&place, "three").unwrap_err();
            assert_eq!(unwritable("--html", &place, &error).exit, exit, "{place:?} {error:?}");
        }
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["release.html"], "nothing half is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.html"), folder.path().join("b.html"));
        std::fs::write(&file, "old").unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, private).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        store(&link, "new").unwrap();
        assert!(link.is_symlink() && std::fs::read_to_string(&file).unwrap() == "new");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "what was private stays private");
        store(Path::new("/dev/null"), "gone").unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }
}
