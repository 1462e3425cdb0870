//! As much CBOR (RFC 8949) as CloudWatch's protocol needs, written apart from the SDK. A time is `{"$time": seconds}`.

use serde_json::{Map, Value, json};

/// Maps and lists without a length and times as doubles, as AWS answers.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(flag) => out.push(0xf4 + u8::from(*flag)),
        Value::Number(number) => {
            out.push(0xfb);
            out.extend(number.as_f64().unwrap().to_be_bytes());
        }
        Value::String(text) => {
            out.push(0x79);
            out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            out.extend(text.bytes());
        }
        Value::Array(items) => {
            out.push(0x9f);
            items.iter().for_each(|item| write(item, out));
            out.push(0xff);
        }
        Value::Object(map) if map.contains_key("$time") => {
            out.push(0xc1);
            write(&map["$time"], out);
        }
        Value::Object(map) => {
            out.push(0xbf);
            for (key, value) in map {
                write(&json!(key), out);
                write(value, out);
            }
            out.push(0xff);
        }
    }
}

/// Everything in it, and nothing after it.
pub fn decode(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = read(&mut rest).expect("a value");
    assert!(rest.is_empty(), "bytes after the end");
    value
}

/// The next value; none at the end of something without a length.
fn read(rest: &mut &[u8]) -> Option<Value> {
    let first = take(rest, 1)[0];
    let (major, info) = (first >> 5, first & 0x1f);
    Some(match (major, info) {
        (7, 20 | 21) => json!(info == 21),
        (7, 22) => Value::Null,
        (7, 27) => json!(f64::from_be_bytes(take(rest, 8).try_into().unwrap())),
        (7, 31) => return None,
        (0, _) => json!(length(rest, info)),
        (3, _) => {
            let length = length(rest, info);
            json!(std::str::from_utf8(take(rest, length)).unwrap())
        }
        (4, 31) => std::iter::from_fn(|| read(rest)).collect(),
        (4, _) => (0..length(rest, info)).map(|_| read(rest).unwrap()).collect(),
        (5, 31) => Value::Object(std::iter::from_fn(|| pair(rest)).collect()),
        (5, _) => Value::Object((0..length(rest, info)).map(|_| pair(rest).unwrap()).collect::<Map<_, _>>()),
        (6, 1) => json!({"$time": read(rest).unwrap()}),
        other => panic!("CBOR of another kind: {other:?}"),
    })
}

fn pair(rest: &mut &[u8]) -> Option<(String, Value)> {
    let key = read(rest)?.as_str().unwrap().to_owned();
    Some((key, read(rest).unwrap()))
}

fn length(rest: &mut &[u8], info: u8) -> usize {
    match info {
        0..=23 => usize::from(info),
        24 => usize::from(take(rest, 1)[0]),
        25 => usize::from(u16::from_be_bytes(take(rest, 2).try_into().unwrap())),
        26 => usize::try_from(u32::from_be_bytes(take(rest, 4).try_into().unwrap())).unwrap(),
        other => panic!("a length of another kind: {other}"),
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}
