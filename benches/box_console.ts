/** Console lines for the simulated box, sent over SSH as any person or program would. */
import type { Buffer } from "node:buffer";
import { join } from "node:path";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
import type { Trial } from "../tools/trial/processes.ts";

/** How long one line may take, the connection included. */
const DEADLINE_MS = 300_000;

/** Runs `line` on the simulator of `trial` and gives what it prints. @throws {Error} */
export async function runOnBox(trial: Trial, line: string): Promise<string> {
  const privateKey = await Deno.readTextFile(join(trial.directory, "id_ed25519"));
  const client = new ssh2.Client();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const late = new Error(`the box did not answer within ${DEADLINE_MS} ms`);
      timer = setTimeout(() => reject(late), DEADLINE_MS);
      client.once("error", reject);
      client.once("close", () => reject(new Error("the box closed the connection")));
      client.once("ready", () => exec(client, line, resolve, reject));
      client.connect({
        host: "127.0.0.1",
        port: trial.simulator.port,
        username: "admin",
        privateKey,
      });
    });
  } finally {
    clearTimeout(timer);
    client.end();
  }
}

function exec(
  client: ssh2.Client,
  line: string,
  resolve: (output: string) => void,
  reject: (error: Error) => void,
): void {
  client.exec(line, (error, channel) => {
    if (error !== undefined) return reject(error);
    const chunks: string[] = [];
    channel.setEncoding("utf8");
    channel.on("data", (text: Buffer | string) => chunks.push(String(text)));
    channel.on("close", () => resolve(chunks.join("")));
  });
}
