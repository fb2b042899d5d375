// ethers, which the packages stand on, keeps an answer for 250 ms, an account's nonce among them: on a node
// that mines at once, a second transaction within that time is refused. Chains are not that quick. This
// stands before one and gives the answer to a transaction later.
import { createServer } from 'node:http';

const KEPT_MS = 260;

const body = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
};

// Its base URL, and what ends it.
export const paced = async (url) => {
  const server = createServer(async (request, response) => {
    const asked = await body(request);
    try {
      const answer = await fetch(url, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: asked,
      });
      const text = await answer.text();
      if (asked.includes('eth_sendRawTransaction')) await new Promise((go) => setTimeout(go, KEPT_MS));
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    } catch {
      response.writeHead(502).end();
    }
  });
  // who waits for a program of ours does not run meanwhile: her connections must not end for that
  server.keepAliveTimeout = 0;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
};
