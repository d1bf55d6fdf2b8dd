import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair, type KeyType } from "../../../src/simulator/server/key_pair.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import { inTime } from "./ssh_client.ts";

/** Whether this machine has OpenSSH's client; told when it has not, so that a skip has a reason. */
const HAS_OPENSSH = await hasOpenSsh();

for (const type of ["rsa", "ed25519"] satisfies KeyType[]) {
  Deno.test({
    name: `the system's OpenSSH client lists the disks (${type} keys)` +
      (HAS_OPENSSH ? "" : ": skipped, this machine has no program ssh"),
    ignore: !HAS_OPENSSH,
    fn: async () => {
      const directory = await mkdtemp(join(tmpdir(), "simulator-test-"));
      try {
        const pair = generateKeyPair(type, "test");
        await using simulator = await startSimulator({
          hostKeyType: type,
          authorizedKeys: pair.publicLine,
        });
        const key = join(directory, "key");
        await writeFile(key, pair.privateText, { mode: 0o600 });
        await writeFile(
          join(directory, "known_hosts"),
          `[127.0.0.1]:${simulator.port} ${simulator.hostKeyLine}\n`,
        );
        const login = ["-p", String(simulator.port), "-i", key, "-F", "none"];
        const checked = ["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o"];
        const ssh = [...login, ...checked, `UserKnownHostsFile=${join(directory, "known_hosts")}`];
        const listed = await run([...ssh, "admin@127.0.0.1", "/disk print"]);
        assert.match(listed.stdout, /Flags: .*\r\nColumns: .*SLOT/s);
        assert.equal(listed.code, 0, listed.stderr);
        const wide = await run([...ssh, "admin+ct200w@127.0.0.1", ":put [:len [/disk/find]]"]);
        assert.match(wide.stdout, /^\d+\r\n$/);
        const terminal = await run([...ssh, "-tt", "admin@127.0.0.1", ":put 1"]);
        assert.equal(terminal.stdout, "1\r\n", terminal.stderr);
        const shell = await run([...ssh, "admin@127.0.0.1"]);
        assert.match(shell.stdout, /without an interactive shell/);
        assert.equal(shell.code, 1);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  });
}

async function hasOpenSsh(): Promise<boolean> {
  try {
    return (await new Deno.Command("ssh", { args: ["-V"], stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

async function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = new Deno.Command("ssh", {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const output = await inTime(process.output(), "run ssh");
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}
