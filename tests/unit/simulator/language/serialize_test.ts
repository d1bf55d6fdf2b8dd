import { testLines } from "./fake_menus.ts";

const KEEP = "options=json.no-string-conversion";

testLines([
  [":put [:serialize to=json value=5]", "5"],
  [':put [:serialize to=json "text"]', '"text"'],
  [':put [:serialize value="text" to=json]', '"text"'],
  [":put [:serialize to=json value=true]", "true"],
  [":put [:serialize to=json value=[:nothing]]", "null"],
  [":put [:serialize to=json value=1h30m15s]", '"01:30:15"'],
  [":put [:serialize to=json value=10.0.0.1]", '"10.0.0.1"'],
  [":put [:serialize to=json value=*2B]", '"*2B"'],
  [":put [:serialize to=json value={}]", "[]"],
  [':put [:serialize to=json value={1;"a";{2}}]', '[1,"a",[2]]'],
  [":put [:serialize to=json value={b=1;a={d=2;c=3}}]", '{"a":{"c":3,"d":2},"b":1}'],
  [':put [:serialize to=json value="a\\"b\\\\\\n\\07"]', '"a\\"b\\\\\\n\\u0007"'],
  // Strings that look like numbers.
  [':put [:serialize to=json value="123"]', "123.000000"],
  [':put [:serialize to=json value={a="-1.5"}]', '{"a":-1.500000}'],
  [':put [:serialize to=json value="12x"]', '"12x"'],
  [`:put [:serialize to=json value="123" ${KEEP}]`, '"123"'],
  [`:put [:serialize to=json value={a="0123"} ${KEEP}]`, '{"a":"0123"}'],
  [
    ":put [:serialize to=json value={a={1;2}} options=json.no-string-conversion,json.pretty]",
    '{\n    "a": [\n        1,\n        2\n    ]\n}',
  ],
  // Rows of a menu.
  [
    `:put [:serialize to=json value=[/disk/print detail as-value where slot="csi-a"] ${KEEP}]`,
    '[{".id":"*2B","nvme-tcp-export":true,"size":100,"slot":"csi-a","type":"file"}]',
  ],
  [":put [:serialize to=json [/disk/print as-value where slot=nope]]", "[]"],
  // What it does not know.
  [
    ":put [:serialize to=xml value=1]",
    "input does not match any value of to (:serialize; line 1)",
  ],
  [
    ":put [:serialize to=json value=1 options=json.nope]",
    "input does not match any value of options (:serialize; line 1)",
  ],
]);
