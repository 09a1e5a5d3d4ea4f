//! The default HTML mail.
//!
//! Mail programs ignore style sheets, so every element carries its style; the few that all share
//! are put in for the marks `@0`, `@1` and `@2`, and a row of the inner table for `@row` and
//! `@end`. The white space is part of the output that users compare.

/// The font and box of most elements, and its size.
const SIZED: &str = concat!(
    "margin: 0; font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; ",
    "box-sizing: border-box; font-size: 14px;"
);
/// The same without the size, and that without the margin.
const BASE: &str = concat!(
    "margin: 0; font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; ",
    "box-sizing: border-box;"
);
const WITHOUT_MARGIN: &str =
    "font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; box-sizing: border-box;";

const ROW: &str = r#"                <tr style="@0">
                  <td class="content-block" style="@0 vertical-align: top; padding: 0 0 20px;" valign="top">
"#;
const ROW_END: &str = "                  </td>
                </tr>
";

/// The source of the mail's templates.
pub(super) fn source() -> String {
    let banner = |class: &str, color: &str, space: &str| {
        BANNER
            .replace("@class", class)
            .replace("@color", color)
            .replace("@space", space)
    };
    let parts = [
        HEAD,
        BODY,
        FIRING_IF,
        &banner("alert-warning", "#E6522C", ""),
        "            {{ else }}\n",
        &banner("alert-good", "#68B90F", " "),
        "            {{ end }}\n",
        CONTENT,
        "                {{ if .Alerts.Firing }}\n",
        &count_row("Firing"),
        "                {{ end }}\n                {{ range .Alerts.Firing }}\n",
        ALERT,
        "                {{ end }}\n\n                {{ if .Alerts.Resolved }}\n",
        "                  {{ if .Alerts.Firing }}\n",
        RULE,
        "                  {{ end }}\n",
        &count_row("Resolved"),
        "                {{ end }}\n                {{ range .Alerts.Resolved }}\n",
        ALERT,
        "                {{ end }}\n",
        FOOTER,
    ];
    let html = parts
        .concat()
        .replace("@row\n", ROW)
        .replace("@end\n", ROW_END)
        .replace("@0", SIZED)
        .replace("@1", BASE)
        .replace("@2", WITHOUT_MARGIN);
    format!(
        "{{{{ define \"email.default.subject\" }}}}{{{{ template \"__subject\" . }}}}{{{{ end }}}}\n\
         {{{{ define \"email.default.html\" }}}}{html}{{{{ end }}}}\n"
    )
}

fn count_row(state: &str) -> String {
    format!(
        "@row\n                    <strong style=\"@0\">[{{{{ len .Alerts.{state} }}}}] {state}</strong>\n@end\n"
    )
}

const HEAD: &str = r#"

<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" style="@0">
<head>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<title>{{ template "__subject" . }}</title>
<style>
@media only screen and (max-width: 640px) {
  body {
    padding: 0 !important;
  }

  h1,
h2,
h3,
h4 {
    font-weight: 800 !important;
    margin: 20px 0 5px !important;
  }

  h1 {
    font-size: 22px !important;
  }

  h2 {
    font-size: 18px !important;
  }

  h3 {
    font-size: 16px !important;
  }

  .container {
    padding: 0 !important;
    width: 100% !important;
  }

  .content {
    padding: 0 !important;
  }

  .content-wrap {
    padding: 10px !important;
  }

  .invoice {
    width: 100% !important;
  }
}
</style>
</head>

"#;

const BODY: &str = r##"<body itemscope itemtype="https://schema.org/EmailMessage" style="@0 -webkit-font-smoothing: antialiased; -webkit-text-size-adjust: none; height: 100%; line-height: 1.6em; background-color: #f6f6f6; width: 100%;">

<table class="body-wrap" style="@0 background-color: #f6f6f6; width: 100%;" width="100%" bgcolor="#f6f6f6">
  <tr style="@0">
    <td style="@0 vertical-align: top;" valign="top"></td>
    <td class="container" width="600" style="@2 font-size: 14px; vertical-align: top; display: block; max-width: 600px; margin: 0 auto; clear: both;" valign="top">
      <div class="content" style="@2 font-size: 14px; max-width: 600px; margin: 0 auto; display: block; padding: 20px;">
        <table class="main" width="100%" cellpadding="0" cellspacing="0" style="@0 background-color: #fff; border: 1px solid #e9e9e9; border-radius: 3px;" bgcolor="#fff">
          <tr style="@0">
"##;

const FIRING_IF: &str = "            {{ if .Alerts.Firing }}\n";

const BANNER: &str = r#"            <td class="alert @class" style="@1 vertical-align: top; font-size: 16px; color: #fff; font-weight: 500; padding: 20px; text-align: center; border-radius: 3px 3px 0 0; background-color: @color;" valign="top" align="center" bgcolor="@color">
              {{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}
                {{ .Name }}={{ .Value }}@space
              {{ end }}
            </td>
"#;

const CONTENT: &str = r##"          </tr>
          <tr style="@0">
            <td class="content-wrap" style="@0 vertical-align: top; padding: 30px;" valign="top">
              <table width="100%" cellpadding="0" cellspacing="0" style="@0">
@row
                    <a href="{{ template "__alertmanagerURL" . }}" class="btn-primary" style="@0 text-decoration: none; color: #FFF; background-color: #348eda; border: solid #348eda; border-width: 10px 20px; line-height: 2em; font-weight: bold; text-align: center; cursor: pointer; display: inline-block; border-radius: 5px; text-transform: capitalize;">View in {{ template "__alertmanager" . }}</a>
@end
"##;

const RULE: &str = r#"@row
                    <br style="@0">
                    <hr style="@0">
                    <br style="@0">
@end
"#;

const ALERT: &str = r##"@row
                    <strong style="@0">Labels</strong><br style="@0">
                    {{ range .Labels.SortedPairs }}{{ .Name }} = {{ .Value }}<br style="@0">{{ end }}
                    {{ if .Annotations }}<strong style="@0">Annotations</strong><br style="@0">{{ end }}
                    {{ range .Annotations.SortedPairs }}{{ .Name }} = {{ .Value }}<br style="@0">{{ end }}
                    <a href="{{ .GeneratorURL }}" style="@0 color: #348eda; text-decoration: underline;">Source</a><br style="@0">
@end
"##;

const FOOTER: &str = r##"              </table>
            </td>
          </tr>
        </table>

        <div class="footer" style="@0 width: 100%; clear: both; color: #999; padding: 20px;">
          <table width="100%" style="@0">
            <tr style="@0">
              <td class="aligncenter content-block" style="@1 vertical-align: top; padding: 0 0 20px; text-align: center; color: #999; font-size: 12px;" valign="top" align="center"><a href="{{ .ExternalURL }}" style="@1 text-decoration: underline; color: #999; font-size: 12px;">Sent by {{ template "__alertmanager" . }}</a></td>
            </tr>
          </table>
        </div></div>
    </td>
    <td style="@0 vertical-align: top;" valign="top"></td>
  </tr>
</table>

</body>
</html>

"##;
