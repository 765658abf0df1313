//! Keys that were never issued, as their issuers write them, and what only looks like one: made by a seeded generator,
//! and by other code than the program's.

/// Random numbers that are the same each time (SplitMix64).
pub(super) struct Seeded(pub(super) u64);

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const SMALL: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
const CAPITALS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const URL_SAFE: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const BASE_32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE_64: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";

impl Seeded {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(super) fn of(&mut self, letters: &str, count: usize) -> String {
        let letters: Vec<char> = letters.chars().collect();
        (0..count).map(|_| letters[self.below(letters.len())]).collect()
    }

    fn uuid(&mut self) -> String {
        let groups = [8, 4, 4, 4, 12].map(|count| self.of(HEX, count));
        groups.join("-")
    }

    /// The template with random letters in its holes.
    fn filled(&mut self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (hole, after) = after.split_once('}').unwrap();
            let (set, count) = hole.split_once(':').unwrap_or((hole, "0"));
            let count: usize = count.parse().unwrap();
            text.push_str(&match set {
                "digits" => self.of(DIGITS, count),
                "hex" => self.of(HEX, count),
                "small" => self.of(SMALL, count),
                "capitals" => self.of(CAPITALS, count),
                "letters" => self.of(LETTERS, count),
                "url" => self.of(URL_SAFE, count),
                "base64" => self.of(BASE_64, count),
                "uuid" => self.uuid(),
                other => panic!("no letters {other}"),
            });
            rest = after;
        }
        text + rest
    }
}

/// CRC-32 as in zlib, bit by bit.
fn crc32(text: &str) -> u32 {
    text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    }) ^ u32::MAX
}

fn base62(mut number: u32) -> String {
    let letters: Vec<char> = LETTERS.chars().collect();
    let mut text = Vec::new();
    for _ in 0..6 {
        text.push(letters[(number % 62) as usize]);
        number /= 62;
    }
    text.iter().rev().collect()
}

/// What the keys of a provider look like, by their documentation: the holes are random.
const TEMPLATES: [(&str, &str); 44] = [
    ("anthropic", "sk-ant-api03-{url:93}AA"),
    ("atlassian", "ATATT3xFfGF0{url:174}={hex:5}"),
    ("axiom", "xaat-{uuid}"),
    ("buildkite", "bkua_{hex:40}"),
    ("circleci", "CCIPAT_{letters:22}_{hex:40}"),
    ("contentful", "CFPAT-{url:43}"),
    ("databricks", "dapi{hex:32}"),
    ("digitalocean", "dop_v1_{hex:64}"),
    ("docker-hub", "dckr_pat_{url:27}"),
    ("doppler", "dp.st.prd.{letters:43}"),
    ("dynatrace", "dt0c01.{capitals:24}.{capitals:64}"),
    ("elevenlabs", "sk_{hex:48}"),
    ("entra", "{letters:3}8Q~{letters:34}"),
    ("gitlab", "glpat-{url:20}"),
    ("gitlab", "glpat-{url:50}.01.{small:9}"),
    ("google-cloud", "AIzaSy{url:33}"),
    ("heroku", "HRKU-AA{url:58}"),
    ("honeycomb", "hcaik_01{small:56}"),
    ("hubspot", "pat-na1-{uuid}"),
    ("jfrog", "cmVmdGtuO{letters:55}"),
    ("launchdarkly", "api-{uuid}"),
    ("launchdarkly", "sdk-{uuid}"),
    ("mapbox", "sk.eyJ1Ijoi{url:60}.{url:22}"),
    ("mongodb-atlas", "mdb_sa_sk_{url:40}"),
    ("neon", "napi_{small:64}"),
    ("netlify", "nfp_{letters:36}"),
    ("new-relic", "NRAK-{capitals:27}"),
    ("openai", "sk-proj-{url:74}T3BlbkFJ{url:74}"),
    ("openai", "sk-{letters:20}T3BlbkFJ{letters:20}"),
    ("openrouter", "sk-or-v1-{hex:64}"),
    ("pinecone", "pcsk_{letters:6}_{letters:63}"),
    ("posthog", "phx_{letters:48}"),
    ("pulumi", "pul-{hex:40}"),
    ("pypi", "pypi-AgEIcHlwaS5vcmc{url:90}"),
    ("resend", "re_{letters:8}_{letters:24}"),
    ("sendgrid", "SG.{url:22}.{url:43}"),
    ("sentry", "sntryu_{hex:64}"),
    ("slack", "xoxb-{digits:12}-{digits:13}-{letters:24}"),
    ("sonarqube", "squ_{hex:40}"),
    ("stripe", "sk_live_{letters:24}"),
    ("stripe", "rk_live_{letters:24}"),
    ("supabase", "sb_secret_{url:22}_{letters:8}"),
    ("tailscale", "tskey-api-{letters:17}-{letters:33}"),
    ("terraform-cloud", "{letters:14}.atlasv1.{letters:67}"),
];

/// A key that was never issued.
#[derive(Clone, Debug)]
pub(super) struct Planted {
    /// Whose it looks like.
    pub(super) provider: &'static str,
    /// What stands in the file.
    pub(super) text: String,
    /// What must not be shown, where it is not all of the text.
    pub(super) secret: String,
}

fn whole(provider: &'static str, text: String) -> Planted {
    Planted { provider, secret: text.clone(), text }
}

/// A token of GitHub.
pub(super) fn github(seeded: &mut Seeded, word: &str) -> String {
    let random = seeded.of(LETTERS, 30);
    let checksum = base62(crc32(&random));
    format!("{word}_{random}{checksum}")
}

/// A key of each of more than forty kinds.
pub(super) fn keys(seeded: &mut Seeded) -> Vec<Planted> {
    let mut keys: Vec<Planted> = TEMPLATES
        .iter()
        .map(|(provider, template)| whole(provider, seeded.filled(template)))
        .collect();
    keys.extend(["ghp", "gho", "ghs"].map(|word| whole("github", github(seeded, word))));
    keys.push(whole("github", seeded.filled("github_pat_{letters:22}_{letters:59}")));
    let random = seeded.of(LETTERS, 30);
    keys.push(whole("npm", format!("npm_{random}{}", base62(crc32(&random)))));
    let random = seeded.of(LETTERS, 40);
    keys.push(whole("cloudflare", format!("cfut_{random}{:08x}", crc32(&random))));
    let body = seeded.filled("glsa_{letters:32}");
    let checksum: String = crc32(&body).to_le_bytes().map(|byte| format!("{byte:02x}")).concat();
    keys.push(whole("grafana", format!("{body}_{checksum}")));
    let body = seeded.filled("acme_live_{letters:12}_{letters:32}");
    keys.push(whole("keytender", format!("{body}{}", base62(crc32(&body)))));
    keys.push(aws(seeded));
    keys
}

/// A key of AWS, as its credentials file has it.
pub(super) fn aws(seeded: &mut Seeded) -> Planted {
    let (id, secret) = (seeded.of(BASE_32, 16), seeded.of(BASE_64, 38));
    let secret = format!("{secret}a7");
    let text = format!("AKIA{id}\naws_secret_access_key = {secret}");
    Planted { provider: "aws", text, secret }
}

/// The same text in the surroundings of a kind of file.
pub(super) fn surrounded(place: usize, key: &str) -> (&'static str, String) {
    match place % 10 {
        0 => ("env", format!("# of the shop\nNAME={key}\n")),
        1 => ("json", format!("{{\"name\": \"{key}\", \"on\": true}}\n")),
        2 => ("yaml", format!("steps:\n  - run: deploy\n    env:\n      NAME: {key}\n")),
        3 => ("sh", format!("export NAME='{key}'\n")),
        4 => ("toml", format!("[remote]\nname = \"{key}\"\n")),
        5 => ("js", format!("const client=new Client({{name:\"{key}\",retry:3}});\n")),
        6 => ("md", format!("curl -H \"Authorization: Bearer {key}\" https://api.example.org\n")),
        7 => ("txt", format!("https://api.example.org/v1/things?name%3D{key}&page=2\n")),
        8 => ("py", format!("NAME = \"first\\n{key}\\nlast\"\n")),
        _ => ("xml", format!("<add key=\"name\" value=\"{key}\"/>\n")),
    }
}

/// What looks like a key and is none: a line each.
pub(super) fn look_alikes(seeded: &mut Seeded, count: usize) -> Vec<String> {
    let mut lines = Vec::with_capacity(count + 100);
    while lines.len() < count {
        lines.extend(hashes(seeded));
        lines.extend(code(seeded));
        lines.extend(references(seeded));
        lines.extend(broken(seeded));
    }
    lines.truncate(count);
    lines
}

/// Hashes, ids and encoded bytes.
fn hashes(seeded: &mut Seeded) -> Vec<String> {
    let templates = [
        "commit {hex:40}",
        "index {hex:7}..{hex:7} 100644",
        "\"id\": \"{uuid}\",",
        "checksum = \"{hex:64}\"",
        "      \"integrity\": \"sha512-{base64:86}==\",",
        "golang.org/x/net v0.30.0 h1:{base64:43}=",
        "image: registry.example.org/shop@sha256:{hex:64}",
        "ETag: \"{hex:32}\"",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{base64:43} deploy@example.org",
        "src=\"data:image/png;base64,iVBORw0KGgo{base64:800}=\"",
        "    --hash=sha256:{hex:64} \\",
        "nonce-{base64:24}",
        "{hex:24}",
        "sha1:{hex:40}",
        "MII{base64:61}",
        "{base64:64}",
        "openapi-{uuid}.json",
        "x-request-id: {uuid}",
        "arn:aws:iam::{digits:12}:role/deploy",
        "trace_id={hex:32} span_id={hex:16}",
    ];
    templates.map(|template| seeded.filled(template)).to_vec()
}

/// Programs, as people and as tools write them; `<<` and `>>` stand for their braces.
fn code(seeded: &mut Seeded) -> Vec<String> {
    let templates = [
        "function t(e,n)<<return e.sk_live_flag?n.re_{small:4}:e.api-{digits:3}>>var r=\"{letters:12}\";",
        ".css-{small:7}<<margin:0>>",
        "let task-{small:8} = risk-{small:6};",
        "const PATTERN_{digits:3} = /gh[oprsu]_[A-Za-z0-9]<<36>>/;",
        "re_compile_{small:8}_{small:12}(pattern)",
        "if (key{digits:3}.startsWith(\"sk-ant-\") || key.startsWith(\"glpat-\")) <<",
        "module.exports.{letters:20}=<<{letters:30}>>;",
        "version: {digits:1}.{digits:2}.{digits:3}-rc.{digits:1}",
    ];
    let mut fill = |template: &str| seeded.filled(template).replace("<<", "{").replace(">>", "}");
    let mut lines: Vec<String> = templates.iter().map(|template| fill(template)).collect();
    lines.push(format!("AKIA{} is an id alone", seeded.of(BASE_32, 16)));
    lines
}

/// Names of variables without their secrets.
fn references(seeded: &mut Seeded) -> Vec<String> {
    const NAMES: [&str; 6] = [
        "DD_API_KEY",
        "FASTLY_API_TOKEN",
        "LINODE_TOKEN",
        "VULTR_API_KEY",
        "TWILIO_AUTH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
    ];
    let name = NAMES[seeded.below(NAMES.len())];
    let number = seeded.of(DIGITS, 3);
    [
        format!("{name}=${{{name}}}"),
        format!("{name}: ${{{{ secrets.{name} }}}}"),
        format!("{name} = os.environ[\"{name}\"]"),
        format!("{name}=<your key, such as key-{number}>"),
        format!("{name}=your-key-goes-here-{number}"),
        format!("{name}=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        format!("{name}=changeme-changeme-{number}"),
        format!("{name}=0123456789abcdef0123456789abcdef"),
        format!("{name}=/run/secrets/shop-api-key-{number}"),
        format!("{name}: vault:secret/data/shop{number}#api_key"),
        format!("{name}=process.env.SHOP_{number}_{name}"),
        format!("{name}: config.services.shop{number}.apiKey"),
    ]
    .to_vec()
}

/// Keys that are broken, cut, part of another word, or examples.
fn broken(seeded: &mut Seeded) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, template) in TEMPLATES {
        let key = seeded.filled(template);
        let half = key.split_at(key.len() / 2).0;
        lines.push(format!("half = \"{half}\""));
        let placeholder: String = template
            .split_once('{')
            .map(|(before, _)| format!("{before}{}", "x".repeat(key.len() - before.len())))
            .unwrap();
        lines.push(format!("token: {placeholder}"));
        if !template.starts_with('{') {
            lines.push(format!("word = letters{key}"));
        }
    }
    let random = seeded.of(LETTERS, 36);
    lines.extend(["ghp", "npm"].map(|word| format!("{word}_{random} has another checksum")));
    lines.push(format!("cfut_{}", seeded.filled("{letters:40}{hex:8}")));
    lines.push(seeded.filled("glsa_{letters:32}_{hex:8}"));
    lines.push(seeded.filled("acme_live_{letters:12}_{letters:38}"));
    lines.push("aws_access_key_id = AKIAIOSFODNN7EXAMPLE".to_owned());
    lines.push("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    lines
}
