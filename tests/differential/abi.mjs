// Signatures of everything that is called, and of all events, from the published contracts.
import { artifact, ethers } from './packages.mjs';

const published = [
  'IexecInterfaceToken.sol/IexecInterfaceToken', 'interfaces/IexecRelay.sol/IexecRelay',
  'interfaces/IexecTokenSpender.sol/IexecTokenSpender',
  'registries/apps/AppRegistry.sol/AppRegistry',
  'registries/datasets/DatasetRegistry.sol/DatasetRegistry',
  'registries/workerpools/WorkerpoolRegistry.sol/WorkerpoolRegistry',
  'registries/apps/App.sol/App', 'registries/datasets/Dataset.sol/Dataset',
  'registries/workerpools/Workerpool.sol/Workerpool',
].map((path) => artifact(path).abi);
const others = [
  'function approveAndCall(address,uint256,bytes) returns (bool)',
  'function faucet(uint256)',
  'function createGroup(bytes32) returns (address)',
  'function execute(address,bytes) returns (bytes)',
  'function isValidSignature(bytes32,bytes) view returns (bytes4)',
  'function keyHasPurpose(bytes32,uint256) view returns (bool)',
  'function addKey(bytes32,uint256,uint256) returns (bool)',
  'function removeKey(bytes32,uint256) returns (bool)',
  'function transferOwnership(address)',
  'function renounceOwnership()',
  'function createDatasetWithSchema(address,string,string,bytes,bytes32) returns (address)',
  'event KeyAdded(bytes32 indexed key, uint256 indexed purpose, uint256 indexed keyType)',
  'event KeyRemoved(bytes32 indexed key, uint256 indexed purpose, uint256 indexed keyType)',
  'event DatasetSchema(address indexed dataset, string schema)',
  'error ERC20InsufficientBalance(address,uint256,uint256)',
  'error ERC20InsufficientAllowance(address,uint256,uint256)',
  'error ERC20InvalidReceiver(address)',
  'error ERC20InvalidSpender(address)',
];
const fragments = new Map();
const events = new Map();
const errors = new Map();
for (const one of [...published.flat(), ...others]) {
  const type = typeof one === 'string' ? one.split(' ')[0] : one.type;
  if (!['function', 'event', 'error'].includes(type)) continue;
  const f = ethers.Fragment.from(one);
  if (type === 'function') fragments.set(f.format('sighash'), f);
  if (type === 'event') events.set(f.topicHash, f.name);
  if (type === 'error') errors.set(f.selector, f.format('sighash'));
}
const coder = ethers.AbiCoder.defaultAbiCoder();

export const functions = [...fragments.keys()];
export const eventName = (topic) => events.get(topic) ?? topic;

// "name" is enough where only one function has it
const byName = new Map();
for (const signature of functions) {
  const name = signature.slice(0, signature.indexOf('('));
  byName.set(name, byName.has(name) ? null : signature);
}

export function encode(fn, values) {
  const f = fragments.get(fn) ?? fragments.get(byName.get(fn));
  if (!f) throw new Error(`no function ${fn}`);
  return f.selector + coder.encode(f.inputs, values).slice(2);
}

export function reason(data) {
  if (!data || data === '0x') return 'no data';
  if (data.startsWith('0x08c379a0')) {
    try {
      return `"${coder.decode(['string'], `0x${data.slice(10)}`)[0]}"`;
    } catch {
      return data;
    }
  }
  if (data.startsWith('0x4e487b71')) return `Panic(0x${data.slice(-2)})`;
  return errors.get(data.slice(0, 10)) ?? data.slice(0, 10);
}
