/** A client process for vanishing_clients_test.ts: calls until it is killed. */
import { Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { call, connect } from "./harness.ts";

const [socketPath = "", calls = "0"] = Deno.args;
const client = connect(socketPath);
for (let done = 0; done < Number(calls); done++) await call(client, Identity.method.probe, {});
await Deno.stdout.write(new TextEncoder().encode("done\n"));
while (true) await call(client, Identity.method.probe, {});
