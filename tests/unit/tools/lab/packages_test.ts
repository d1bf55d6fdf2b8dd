import assert from "node:assert/strict";
import { newestOf } from "../../../../tools/lab/kernels.ts";
import { archivesIn, withSuites } from "../../../../tools/lab/packages.ts";

const STANZAS = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://mirror.example/node_20.x
Suites: nodistro
Components: main
`;

Deno.test("Debian's archives are found in stanzas, and others are not taken", () => {
  assert.deepEqual(archivesIn(STANZAS), [
    {
      uri: "http://mirror.example/debian",
      suites: ["bookworm", "bookworm-updates"],
      signedBy: "/usr/share/keyrings/debian-archive-keyring.gpg",
    },
    { uri: "http://mirror.example/debian-security", suites: ["bookworm-security"], signedBy: "" },
  ]);
});

Deno.test("Debian's archives are found in lines, and comments and sources are not taken", () => {
  const text = `# deb http://mirror.example/debian old main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb https://other.example/apt tool main
`;
  assert.deepEqual(archivesIn(text), [
    { uri: "http://mirror.example/debian", suites: ["bookworm"], signedBy: "/k.gpg" },
  ]);
});

Deno.test("a stanza that is switched off is not taken", () => {
  assert.deepEqual(archivesIn(STANZAS.replaceAll("Types:", "Enabled: no\nTypes:")), []);
});

Deno.test("releases are added to the main archive, with its key, where they are not there yet", () => {
  const archives = archivesIn(STANZAS);
  assert.deepEqual(withSuites(archives, ["bookworm", "trixie", "sid"]), [
    ...archives,
    {
      uri: "http://mirror.example/debian",
      suites: ["trixie", "sid"],
      signedBy: "/usr/share/keyrings/debian-archive-keyring.gpg",
    },
  ]);
});

Deno.test("a machine without an archive of Debian is refused by name", () => {
  assert.throws(() => withSuites([], ["sid"]), /name no archive of Debian/);
});

Deno.test("the newest version is by number, not by letter", () => {
  const names = ["linux-image-6.12.94+deb13-amd64", "linux-image-6.12.107+deb13-amd64"];
  assert.equal(newestOf(names), "linux-image-6.12.107+deb13-amd64");
  assert.equal(newestOf([]), undefined);
});
