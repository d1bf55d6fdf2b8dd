/** The other half of the sequences for a current box. */
import { testBox } from "./box_exploration.ts";

testBox("box-2", { copies: "cow", strategy: "auto", box: {} }, 0.4);
