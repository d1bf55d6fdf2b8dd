/** The trial node keeps the contracts of the three node ports. */
import { testFileSystemsContract } from "../../contract/file_systems.ts";
import { testMounterContract } from "../../contract/mounter.ts";
import { testNvmeHostContract } from "../../contract/nvme_host.ts";
import { openTrialNode } from "./trial_node.ts";

const MISSING = {
  stack: "a path holds one symbolic link",
  hold: "a plain file is never held exclusively",
};

testNvmeHostContract("a simulator's files", openTrialNode, MISSING);
testMounterContract("a simulator's files", openTrialNode, MISSING);
testFileSystemsContract("a simulator's files", openTrialNode, MISSING);
