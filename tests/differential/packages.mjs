// What npm gave lies in the build folder, not beside these files.
import { createRequire } from 'node:module';

const required = createRequire(`${process.env.IA_PACKAGES}/`);
export const { ethers } = required('ethers');
export const artifact = (path) => required(`./package/artifacts/contracts/${path}.json`);
