use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01";
const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0";
const ELF: &[u8] =
    b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const HTML: &[u8] = b"<!DOCTYPE html><html><body>Please log in</body></html>";
const PDF: &[u8] = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0";

fn file(filename: Option<&str>, content_type: Option<&str>) -> Attachment {
    Attachment {
        url: "https://files.example.org/download?id=7".to_owned(),
        filename: filename.map(str::to_owned),
        content_type: content_type.map(str::to_owned),
    }
}

fn named(name: &str) -> Attachment {
    file(Some(name), None)
}

fn judged(name: &str, bytes: &[u8]) -> Result<String, Refusal> {
    judge(&named(name), None, bytes).map(|accepted| accepted.content_type)
}

#[test]
fn every_extension_of_the_reference_is_accepted_in_any_case_and_nothing_else() {
    let listed = "aac mp3 ogg m4a xls xlsm xlsx xlc xlt xltm xltx bmp gif jpg jpeg png svg webp eml msg pdf key odp otp \
                  pps ppt pptx pot numbers ods ots csv txt log avi flv m4v mkv mov mp4 mpg mpeg4 qt wmv doc docm docx \
                  dotm dotx pages odt ott rtf amr dms vcard tif tiff mpeg";
    let mut count = 0;
    for extension in listed.split_whitespace() {
        count += 1;
        for name in [
            format!("a.{extension}"),
            format!("A.{}", extension.to_uppercase()),
        ] {
            assert_eq!(judge_claims(&named(&name)), Ok(()), "{name}");
        }
    }
    assert_eq!(count, kinds::KINDS.len());
    for other in [
        "exe", "zip", "html", "js", "heic", "wav", "json", "7z", "apk", "bat",
    ] {
        let refused = judge_claims(&named(&format!("a.{other}")));
        assert_eq!(refused, Err(Refusal::TypeNotAccepted), "{other}");
    }
}

#[test]
fn a_file_that_is_what_it_says_passes() {
    for (name, bytes, expected) in [
        ("photo.jpg", JPEG, "image/jpeg"),
        ("photo.png", PNG, "image/png"),
        ("photo.jpg", PNG, "image/png"),
        ("Rechnung März.PDF", PDF, "application/pdf"),
        ("old.doc", OLE, "application/msword"),
        ("mail.msg", OLE, "application/vnd.ms-outlook"),
        ("notes.txt", b"just text", "text/plain"),
        ("page.txt", HTML, "text/plain"),
        ("t.csv", b"\xFF\xFEa\0,\0b\0", "text/csv"),
        (
            "drawing.svg",
            b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "image/svg+xml",
        ),
        ("song.mp3", b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
        ("odd.aac", b"\x01\x02\0\x03", "audio/aac"),
        ("letter.rtf", b"{\\rtf1\\ansi}", "application/rtf"),
    ] {
        assert_eq!(judged(name, bytes).as_deref(), Ok(expected), "{name}");
    }
    assert!(judged("new.docx", ZIP).is_ok() && judged("locked.xlsx", OLE).is_ok());
}

#[test]
fn a_file_that_lies_does_not_pass() {
    for (name, bytes) in [
        ("photo.jpg", EXE),
        ("photo.png", HTML),
        ("photo.png", b"nothing but text"),
        ("invoice.pdf", EXE),
        ("invoice.pdf", HTML),
        ("song.mp3", ELF),
        ("song.mp3", HTML),
        ("film.mp4", PDF),
        ("table.xlsx", PDF),
        ("table.xls", HTML),
        ("notes.txt", EXE),
        ("whatever.dms", EXE),
        ("drawing.svg", HTML),
        ("photo.jpg", b"#!/bin/sh\nrm -rf /\n"),
    ] {
        assert_eq!(judged(name, bytes), Err(Refusal::NotWhatItClaims), "{name}");
    }
    assert_eq!(judged("photo.jpg", b""), Err(Refusal::Empty));
}

#[test]
fn a_type_that_contradicts_the_name_does_not_pass() {
    let program = file(Some("photo.jpg"), Some("application/x-msdownload"));
    assert_eq!(judge_claims(&program), Err(Refusal::NotWhatItClaims));
    let page = judge(&named("photo.jpg"), Some("text/html; charset=utf-8"), JPEG);
    assert_eq!(page, Err(Refusal::NotWhatItClaims));
    for vague in [
        "application/octet-stream",
        "image",
        "image/pjpeg",
        "application/x-unheard-of",
    ] {
        assert_eq!(
            judge_claims(&file(Some("photo.jpg"), Some(vague))),
            Ok(()),
            "{vague}"
        );
    }
}

#[test]
fn a_file_without_a_name_gets_one_from_its_type_or_its_bytes() {
    let accepted = |content_type, served_as, bytes| {
        judge(&file(None, content_type), served_as, bytes).map(|accepted| accepted.filename)
    };
    assert_eq!(
        accepted(Some("image/jpg"), None, JPEG).as_deref(),
        Ok("download.jpg")
    );
    assert_eq!(
        accepted(None, Some("application/pdf"), PDF).as_deref(),
        Ok("download.pdf")
    );
    assert_eq!(accepted(None, None, PNG).as_deref(), Ok("download.png"));
    assert_eq!(accepted(None, None, ZIP), Err(Refusal::TypeNotAccepted));
    assert_eq!(accepted(None, None, EXE), Err(Refusal::NotWhatItClaims));
    assert_eq!(
        accepted(Some("text/html"), None, HTML),
        Err(Refusal::TypeNotAccepted)
    );
    let mut in_url = file(None, None);
    "https://files.example.org/a%20b.png?x=.exe".clone_into(&mut in_url.url);
    assert_eq!(
        judge(&in_url, None, PNG).map(|a| a.filename).as_deref(),
        Ok("a b.png")
    );
    "https://files.example.org/get.php".clone_into(&mut in_url.url);
    assert_eq!(
        judge(&in_url, None, PNG).map(|a| a.filename).as_deref(),
        Ok("get.php.png")
    );
}

#[test]
fn a_name_is_made_safe() {
    for (given, safe) in [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\photo.txt", "photo.txt"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"),
        ("\u{202E}txt.exe.txt", "txt.exe.txt"),
        ("say \"hi\".txt", "say _hi_.txt"),
        (" ..hidden.txt ", "hidden.txt"),
        ("Übung 1.txt", "Übung 1.txt"),
    ] {
        let judged = judge(&named(given), None, b"text").map(|accepted| accepted.filename);
        assert_eq!(judged.as_deref(), Ok(safe), "{given:?}");
    }
    let long = judge(&named(&format!("{}.txt", "ü".repeat(500))), None, b"text").unwrap();
    assert_eq!(long.filename.chars().count(), 100);
    assert!(long.filename.ends_with("ü.txt"));
    let nameless = judge(&named("..."), None, b"text").unwrap();
    assert_eq!(nameless.filename, "download.txt");
}

#[test]
fn an_agents_file_may_be_of_any_kind_but_no_lie() {
    let odd = judge_agents_file(&named("archive.zip"), None, ZIP).unwrap();
    assert_eq!(
        (odd.filename.as_str(), odd.content_type.as_str()),
        ("archive.zip", UNKNOWN_TYPE)
    );
    let login_page = judge_agents_file(&named("photo.png"), Some("text/html"), HTML);
    assert_eq!(login_page, Err(Refusal::NotWhatItClaims));
    let declared = judge_agents_file(&file(Some("photo.png"), Some("text/html")), None, HTML);
    assert_eq!(declared, Err(Refusal::NotWhatItClaims));
}

#[test]
fn a_placeholder_says_which_file_and_why() {
    let too_large = Refusal::TooLarge {
        size: Some(25_312_000),
        limit: MAX_BYTES,
    };
    assert_eq!(
        placeholder(&named("film.mp4"), &too_large),
        "[The file film.mp4 could not be delivered: it is too large (25.4 MB, at most 20.0 MB).] \
         https://files.example.org/download?id=7"
    );
    let mut hidden = named("a\nb.txt");
    "http://10.0.0.1/a".clone_into(&mut hidden.url);
    assert_eq!(
        placeholder(&hidden, &Refusal::AddressNotAllowed),
        "[The file ab.txt could not be delivered: its address is not allowed.]"
    );
    let endless = Refusal::TooLarge {
        size: None,
        limit: 5_000,
    };
    assert!(placeholder(&hidden, &endless).contains("(more than 5 kB)"));
    assert_eq!(with_lines(None, &["[x]".to_owned()]).as_deref(), Some("[x]"));
    assert_eq!(
        with_lines(Some("Hi"), &["[x]".to_owned()]).as_deref(),
        Some("Hi\n[x]")
    );
    assert_eq!(with_lines(Some("Hi"), &[]).as_deref(), Some("Hi"));
}

#[test]
fn the_media_type_is_told_where_it_is_known() {
    let known = |said, name| media_type(said, name, "https://x.test/attachments/1");
    assert_eq!(
        known(Some("image/png"), Some("a.jpg")).as_deref(),
        Some("image/png")
    );
    assert_eq!(known(Some("image"), Some("a.JPG")).as_deref(), Some("image/jpeg"));
    assert_eq!(known(None, Some("a.pdf")).as_deref(), Some("application/pdf"));
    assert_eq!(known(Some("image"), None), None);
}

#[test]
fn a_key_is_forty_hexadecimal_digits() {
    let key = FileKey::of(&[0xAB; 32]);
    assert_eq!(FileKey::parse(key.as_str()), Some(key));
    for wrong in [
        "",
        "..",
        "AB",
        &"g".repeat(40),
        &"a".repeat(41),
        "../../../../../../../../../../../etc/x12",
    ] {
        assert_eq!(FileKey::parse(wrong), None, "{wrong}");
    }
}
