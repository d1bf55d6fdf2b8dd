/** The command that csi-sanity runs before each spec: waits for the restart, then makes the path. */
const [socket = "", path = ""] = Deno.args;
using connection = await Deno.connect({ transport: "unix", path: socket });
const answer = new Uint8Array(16);
const length = await connection.read(answer);
if (length === null) Deno.exit(1);
await Deno.mkdir(path);
await Deno.stdout.write(new TextEncoder().encode(`${path}\n`));
