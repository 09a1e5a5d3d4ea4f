//! The functions that Mimir adds to Alertmanager's, for the templates of a tenant.
//!
//! The defaults win over them where names clash, as in Mimir, which registers its own first.

use gotemplate::strconv::query_escape;
use gotemplate::types::STRING;
use gotemplate::{Fault, FuncMap, Function, Type, Value};

use super::go_url;
use super::text::query_unescape;

/// Adds the functions, but for those whose name is taken.
pub(super) fn add(table: &mut FuncMap, tenant: &str) {
    let tenant = tenant.to_owned();
    let strings = |count| vec![&STRING as Type; count];
    let functions = [
        (
            "tenantID",
            Function::new(strings(0), move |_, _| Ok(Value::from(tenant.as_str()))),
        ),
        (
            "queryFromGeneratorURL",
            Function::new(strings(1), |_, args| {
                let url = args.first().map(Value::as_bytes).unwrap_or_default();
                Ok(query_of(url)?.into())
            }),
        ),
        (
            "grafanaExploreURL",
            Function::new(strings(5), |call, args| {
                let [url, datasource, from, to, expr] = args else {
                    return Err(Fault::new("five arguments are wanted"));
                };
                let json = |value| call.json(value);
                let mut query = Vec::new();
                query.extend_from_slice(b"{\"range\":{\"from\":");
                query.extend(json(from)?);
                query.extend_from_slice(b",\"to\":");
                query.extend(json(to)?);
                query.extend_from_slice(b"},\"queries\":[{\"datasource\":{\"type\":\"prometheus\"");
                if !datasource.as_bytes().is_empty() {
                    query.extend_from_slice(b",\"uid\":");
                    query.extend(json(datasource)?);
                }
                query.extend_from_slice(b"},\"expr\":");
                query.extend(json(expr)?);
                query.extend_from_slice(b",\"instant\":false,\"range\":true,\"refId\":\"A\"}]}");
                let mut out = url.as_bytes().to_vec();
                out.extend_from_slice(b"/explore?left=");
                out.extend(query_escape(&query));
                Ok(out.into())
            }),
        ),
    ];
    for (name, function) in functions {
        if !table.contains(name) {
            table.insert(name, function);
        }
    }
}

/// The first expression in the query of a URL of Prometheus's graph page.
fn query_of(url: &[u8]) -> Result<Vec<u8>, Fault> {
    let query = go_url::query_part(url)
        .map_err(|error| Fault::new(format!("failed to parse generator URL: {error}")))?;
    for pair in query.split(|&byte| byte == b'&') {
        // Go takes no pair with a semicolon, and none with a wrong escape.
        if pair.contains(&b';') {
            continue;
        }
        let mut parts = pair.splitn(2, |&byte| byte == b'=');
        let key = query_unescape(parts.next().unwrap_or_default());
        let value = query_unescape(parts.next().unwrap_or_default());
        if let (Ok(key), Ok(value)) = (key, value)
            && key == b"g0.expr"
        {
            return Ok(value);
        }
    }
    Err(Fault::new("query not found in the generator URL"))
}

#[cfg(test)]
mod tests {
    use crate::template::{Data, Options, Templates};

    fn rendered(template: &str) -> String {
        let templates = Templates::for_tenant(&Options::default(), "team-a").unwrap();
        match templates.render_text(template, &Data::default()) {
            Ok(out) => String::from_utf8_lossy(&out).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn functions_of_mimir_are_there_for_tenants_only() {
        let plain = Templates::new(&Options::default()).unwrap();
        let error = plain.render_text("{{ tenantID }}", &Data::default());
        assert_eq!(
            (
                rendered("{{ tenantID }}"),
                error.map_err(|error| error.to_string())
            ),
            (
                "team-a".to_owned(),
                Err(r#"template: :1: function "tenantID" not defined"#.to_owned())
            )
        );
    }

    #[test]
    fn the_query_comes_out_of_the_url_of_the_graph() {
        let seen = [
            r#"{{ queryFromGeneratorURL "http://prom/graph?g0.expr=up+%3E+0&g0.tab=1" }}"#,
            r#"{{ queryFromGeneratorURL "/graph?g0.tab=1" }}"#,
            r#"{{ queryFromGeneratorURL "http://a b/?g0.expr=up" }}"#,
        ]
        .map(rendered);
        let at = |template: &str| {
            format!(
                "template: :1:3: executing \"\" at <queryFromGeneratorURL \"{template}\">: error calling queryFromGeneratorURL: "
            )
        };
        assert_eq!(
            seen,
            [
                "up > 0".to_owned(),
                at("/graph?g0.tab=1") + "query not found in the generator URL",
                at("http://a b/?g0.expr=up")
                    + r#"failed to parse generator URL: parse "http://a b/?g0.expr=up": invalid character " " in host name"#,
            ]
        );
    }

    #[test]
    fn a_link_to_grafana_carries_the_query_as_escaped_json() {
        let seen = [
            r#"{{ grafanaExploreURL "https://foo.bar" "xyz" "now-12h" "now" "rate(foo[5m]) > 0" }}"#,
            r#"{{ grafanaExploreURL "" "" "" "" "" }}"#,
        ]
        .map(rendered);
        assert_eq!(
            seen,
            [
                "https://foo.bar/explore?left=%7B%22range%22%3A%7B%22from%22%3A%22now-12h%22%2C%22to%22%3A%22now%22%7D%2C%22queries%22%3A%5B%7B%22datasource%22%3A%7B%22type%22%3A%22prometheus%22%2C%22uid%22%3A%22xyz%22%7D%2C%22expr%22%3A%22rate%28foo%5B5m%5D%29+%5Cu003e+0%22%2C%22instant%22%3Afalse%2C%22range%22%3Atrue%2C%22refId%22%3A%22A%22%7D%5D%7D",
                "/explore?left=%7B%22range%22%3A%7B%22from%22%3A%22%22%2C%22to%22%3A%22%22%7D%2C%22queries%22%3A%5B%7B%22datasource%22%3A%7B%22type%22%3A%22prometheus%22%7D%2C%22expr%22%3A%22%22%2C%22instant%22%3Afalse%2C%22range%22%3Atrue%2C%22refId%22%3A%22A%22%7D%5D%7D",
            ]
        );
    }
}
