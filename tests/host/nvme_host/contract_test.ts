/** The NVMe host of loop devices keeps its contract. */
import { testNvmeHostContract } from "../../contract/nvme_host.ts";
import { hostTest, whyNotHere } from "../machine.ts";
import { openLoopNode } from "./loop_node.ts";

if (whyNotHere() === undefined) testNvmeHostContract("loop devices", openLoopNode);
else hostTest("NvmeHost over loop devices keeps its contract", () => Promise.resolve());
