// Orders and what is signed about tasks, for either world.
import { ethers } from './packages.mjs';

const fields = {
  app: 'address app,uint256 appprice,uint256 volume,bytes32 tag,address datasetrestrict,'
    + 'address workerpoolrestrict,address requesterrestrict,bytes32 salt',
  dataset: 'address dataset,uint256 datasetprice,uint256 volume,bytes32 tag,address apprestrict,'
    + 'address workerpoolrestrict,address requesterrestrict,bytes32 salt',
  workerpool: 'address workerpool,uint256 workerpoolprice,uint256 volume,bytes32 tag,'
    + 'uint256 category,uint256 trust,address apprestrict,address datasetrestrict,'
    + 'address requesterrestrict,bytes32 salt',
  request: 'address app,uint256 appmaxprice,address dataset,uint256 datasetmaxprice,'
    + 'address workerpool,uint256 workerpoolmaxprice,address requester,uint256 volume,bytes32 tag,'
    + 'uint256 category,uint256 trust,address beneficiary,address callback,string params,'
    + 'bytes32 salt',
};
const title = (kind) => kind[0].toUpperCase() + kind.slice(1);
const listed = (text) => text.split(',').map((x) => {
  const [type, name] = x.split(' ');
  return { type, name };
});
export const KINDS = Object.keys(fields);
export const names = Object.fromEntries(KINDS.map((k) => [k, listed(fields[k]).map((x) => x.name)]));
const encoders = {};
for (const kind of KINDS) {
  const order = { [`${title(kind)}Order`]: listed(fields[kind]) };
  encoders[kind] = new ethers.TypedDataEncoder(order);
  encoders[`${kind}Operation`] = new ethers.TypedDataEncoder({
    ...order,
    [`${title(kind)}OrderOperation`]: listed(`${title(kind)}Order order,uint256 operation`),
  });
}

export function orderHash(world, kind, order) {
  const domain = ethers.TypedDataEncoder.hashDomain(world.domain);
  return ethers.keccak256(ethers.concat(['0x1901', domain, encoders[kind].hash(order)]));
}

export function operationHash(world, kind, order, operation) {
  const domain = ethers.TypedDataEncoder.hashDomain(world.domain);
  const hash = encoders[`${kind}Operation`].hash({ order, operation });
  return ethers.keccak256(ethers.concat(['0x1901', domain, hash]));
}

const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

// A signature over 32 bytes, in one of the forms that a contract may meet.
export function signed(key, hash, form) {
  const s = key.sign(hash);
  switch (form) {
    case '65': return s.serialized;
    case '64': return s.compactSerialized;
    case 'v01': return ethers.concat([s.r, s.s, s.yParity ? '0x01' : '0x00']);
    case 'flipped': return ethers.concat([s.r, s.s, s.yParity ? '0x1b' : '0x1c']);
    case 'v29': return ethers.concat([s.r, s.s, '0x1d']);
    case 'high': return ethers.concat([s.r, ethers.toBeHex(N - BigInt(s.s), 32),
      s.yParity ? '0x1b' : '0x1c']);
    case 'short': return s.serialized.slice(0, -4);
    case 'long': return `${s.serialized}00`;
    case 'empty': return '0x';
    case 'zero': return `0x${'00'.repeat(65)}`;
    case 'zero64': return `0x${'00'.repeat(64)}`;
    case 'other': return key.sign(ethers.keccak256(hash)).serialized;
    default: throw new Error(`no form ${form}`);
  }
}

const message = (hash) => ethers.hashMessage(ethers.getBytes(hash));
const packed = (types, values) => ethers.solidityPackedKeccak256(types, values);

export const dealId = (order, consumed) => packed(['bytes32', 'uint256'], [order, consumed]);
export const taskId = (deal, index) => packed(['bytes32', 'uint256'], [deal, index]);
export const resultHash = (task, digest) => packed(['bytes32', 'bytes32'], [task, digest]);
export const resultSeal = (worker, task, digest) => packed(['address', 'bytes32', 'bytes32'],
  [worker, task, digest]);
export const authorised = (worker, task, enclave) => message(
  packed(['address', 'bytes32', 'address'], [worker, task, enclave]));
export const attested = (hash, seal) => message(packed(['bytes32', 'bytes32'], [hash, seal]));
