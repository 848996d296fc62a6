// A provider of accounts for the browser tests: the certified package oidc-provider with two accounts.
//
// It listens at once and prints its issuer; the first line of its input is the redirect address of the site, and then
// it answers. It ends with its input.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const ACCOUNTS = { alice: 'alice-password', bob: 'bob-password' };
const CLIENT = { client_id: 'evaluator', client_secret: 'secret of the site: +&=' };

const server = createServer();
server.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const issuer = `http://localhost:${server.address().port}`;

const page = (body) => `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Province ID</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><h1>Province ID</h1>${body}`;

const form = (uid, said) => page(`<p>${said}</p><form method="post" action="/interaction/${uid}">
<label>Login <input name="login"></label> <label>Password <input name="password" type="password"></label>
<button>Sign in</button></form><a href="/interaction/${uid}/cancel">Cancel</a>`);

async function bodyOf(request) {
  let body = '';
  for await (const part of request) body += part;
  return new URLSearchParams(body);
}

async function interact(provider, request, response) {
  const [, , uid, what] = request.url.split('/');
  if (what === 'cancel') {
    const refused = { error: 'access_denied', error_description: 'End-User aborted interaction' };
    await provider.interactionFinished(request, response, refused);
    return;
  }
  let said = '';
  if (request.method === 'POST') {
    const given = await bodyOf(request);
    if (ACCOUNTS[given.get('login')] === given.get('password')) {
      await provider.interactionFinished(request, response, { login: { accountId: given.get('login') } });
      return;
    }
    said = 'Wrong login or password';
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(form(uid, said));
}

async function made(redirect) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [redirect], response_types: ['code'], grant_types: ['authorization_code'] }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) => `${client.clientId} ${accountId}`,
    findAccount: (_ctx, id) => (id in ACCOUNTS ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) { // nobody is asked whether the site may know that they signed in
      const { client, session, provider: here } = ctx.oidc;
      const grant = new here.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 600, IdToken: 60, Interaction: 600, Session: 600 },
  });
  const answer = provider.callback();
  return (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    return interact(provider, request, response).catch((error) => {
      response.statusCode = 400;
      response.end(page(`<p>${error.name}</p>`));
    });
  };
}

const input = createInterface({ input: process.stdin });
input.once('line', async (redirect) => {
  server.on('request', await made(redirect.trim()));
  console.log('ready');
});
input.once('close', () => process.exit());
console.log(issuer);
