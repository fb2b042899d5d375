// Runs in a browser, in a page of another origin than the services: iExec's packages with a wallet that
// speaks EIP-1193. What each step gave goes back to the test that serves the page.
import { JsonRpcProvider, Wallet, getBytes } from 'ethers';
import { IExec } from 'iexec';
import { IExecDataProtectorCore } from '@iexec/dataprotector';
import { IExecWeb3mail } from '@iexec/web3mail';

const config = await (await fetch('/config')).json();

const report = (step, value) =>
  fetch('/report', { method: 'POST', body: JSON.stringify({ step, ...value }) });

const said = (error) => {
  const texts = [];
  for (let e = error; e; e = e.cause) texts.push(e.message ?? `${e}`);
  return texts.join(' | ');
};

const step = async (name, run) => {
  try {
    const value = await run();
    await report(name, { value });
    return value;
  } catch (error) {
    await report(name, { error: said(error), stack: error?.stack });
    return undefined;
  }
};

class Refusal extends Error {
  code = 4001; // EIP-1193: the user rejected the request
}

// A wallet as a browser's extension injects it. asked: the methods that it was asked for.
const makeWallet = (key, willing = true) => {
  const chain = new JsonRpcProvider(config.rpcUrl, undefined, { cacheTimeout: -1 });
  const wallet = new Wallet(key, chain);
  const asked = new Set();
  const methods = {
    eth_accounts: () => [wallet.address],
    eth_requestAccounts: () => [wallet.address],
    personal_sign: ([message]) => wallet.signMessage(getBytes(message)),
    eth_signTypedData_v4: ([, text]) => {
      const { domain, types, message } = JSON.parse(text);
      const { EIP712Domain, ...rest } = types;
      return wallet.signTypedData(domain, rest, message);
    },
    eth_sendTransaction: async ([{ from, gas, ...tx }]) =>
      (await wallet.sendTransaction({ ...tx, gasLimit: gas })).hash,
  };
  const request = async ({ method, params = [] }) => {
    asked.add(method);
    if (!(method in methods)) return chain.send(method, params);
    if (!willing && !/ccounts$/.test(method)) throw new Refusal('the user said no');
    return methods[method](params);
  };
  return { request, asked, address: wallet.address, on() {}, removeListener() {} };
};

const owner = makeWallet(config.keys[0]);
const user = makeWallet(config.keys[1]);
const unwilling = makeWallet(config.keys[0], false);
const core = (wallet) => new IExecDataProtectorCore(wallet, config.sdk.dataprotector);
const text = (bytes) => new TextDecoder().decode(bytes);

const data = await step('protect', async () => {
  const { address, zipFile, ...rest } = await core(owner).protectData({
    name: 'from a page', data: { email: 'page@example.org', bytes: new Uint8Array(300000).fill(7) },
  });
  return { address, schema: rest.schema, owner: rest.owner, size: zipFile.length };
});
const grant = await step('grant', () =>
  core(owner).grantAccess({
    protectedData: data.address, authorizedApp: config.app, authorizedUser: user.address,
    numberOfAccess: 3,
  }));
await step('list', () => core(owner).getGrantedAccess({ protectedData: data.address }));
await step('found', () => core(user).getProtectedData({ protectedDataAddress: data.address }));
await step('contacts', () =>
  new IExecWeb3mail(user, { ...config.sdk.web3mail, dappAddressOrENS: config.app }).fetchMyContacts());
await step('process', async () => {
  const done = await core(user).processProtectedData({
    protectedData: data.address, app: config.app, args: 'of a page', path: 'said.txt',
    encryptResult: true, secrets: { 1: 'open sesame' },
  });
  return { taskId: done.taskId, text: text(done.result) };
});
await step('logs', async () => {
  const iexec = new IExec({ ethProvider: user }, config.sdk.iexec);
  const dataset = await iexec.dataset.showDataset(data.address);
  return { name: dataset.dataset.datasetName, wallet: await iexec.wallet.getAddress() };
});
await step('asked', () => [...owner.asked, ...user.asked]);

// -- what must not go --
await step('not the owner', () =>
  core(user).grantAccess({
    protectedData: data.address, authorizedApp: config.app, authorizedUser: owner.address,
  }));
await step('the user says no', () => core(unwilling).protectData({ data: { a: 'b' } }));
await step('still one grant', () => core(owner).getGrantedAccess({ protectedData: data.address }));
await step('revoke', () => core(owner).revokeOneAccess(grant));
await step('none left', () => core(owner).getGrantedAccess({ protectedData: data.address }));
await step('process after', () =>
  core(user).processProtectedData({ protectedData: data.address, app: config.app }));

// A file of anybody's is not a script of the services' origin, nor a page of it.
const stored = await step('script stored', async () => {
  const form = new FormData();
  form.append('file', new Blob(['globalThis.ran = true;']));
  const added = await fetch(`${config.ipfs}/api/v0/add`, { method: 'POST', body: form });
  return (await added.json()).Hash;
});
await step('script', () =>
  new Promise((resolve) => {
    const script = document.createElement('script');
    script.src = `${config.ipfs}/ipfs/${stored}`;
    script.onload = () => resolve(globalThis.ran ? 'ran' : 'loaded');
    script.onerror = () => resolve('refused');
    document.head.append(script);
  }));
// Headers that no service names are not sent across origins.
await step('other header', () =>
  fetch(`${config.rpcUrl}/deals?chainId=421614`, { headers: { 'x-other': '1' } }).then(({ status }) => status));
await step('credentials', () =>
  fetch(`${config.rpcUrl}/deals?chainId=421614`, { credentials: 'include' }).then(({ status }) => status));
await report('end', {});
