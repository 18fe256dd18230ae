/** The live page in a real browser, over a real gateway, through a rollout that a person steers and that is rolled back. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM, launchChromium } from '../../support/clients/chromium.ts';
import {
  type GatewayProcess,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 540_000 };
const START_MS = 60_000;
const PACE_MS = 8;
const OPEN_MAX = 32;
const TOKEN = 'correct-horse-battery-staple';
/** Where pictures go for who wants to look; by default there are none. */
const PICTURES = process.env['SLUICE_TEST_PICTURES'];

function documentOf(stable: TestService, canary: TestService): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 2
saturation: {response: observe}
drain: {delay: 0s, timeout: 1s}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${stable.port}"]}
      v2: {endpoints: ["127.0.0.1:${canary.port}"]}
routes:
  - name: shop
    sticky: {header: x-user-id}
    matches: [{path: {value: /}}]
    backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
    retry: {attempts: 0}
    slo: {availability: 0.9, latency: {threshold: 5s, target: 0.9}, budgetPolicy: {freeze: false}}
    rollout: {stable: v1, canary: v2, autoStart: false, requestsMin: 20, steps: [{percent: 50, dwell: 1h}, {percent: 80, dwell: 1h}, 100], stepMax: 2h}
  - name: quiet
    matches: [{path: {value: /quiet}}]
    slo: {availability: 0.999}
    backendRefs: [{name: shop, version: v1}]
`;
}

/** Something on the page, when it was there first: the frame since the page was opened, and the wall clock. */
interface Sight {
  readonly frame: number;
  readonly atMs: number;
}

/** Notes when a page says that a canary was rolled back, and when its chart has the marker. */
const WATCHING = `
  window.seen = { frame: 0, verdict: null, marker: null };
  const sight = () => ({ frame: seen.frame, atMs: Date.now() });
  const count = () => { seen.frame += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
  const fillText = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    if (text === 'rollback') seen.marker ??= sight();
    return fillText.call(this, text, ...place);
  };
  new MutationObserver(() => {
    if (document.querySelector('#verdict.verdict-bad') !== null) seen.verdict ??= sight();
  }).observe(document, { subtree: true, childList: true, attributes: true });
`;

/** Draws buttons by the page's own modules over everything else, each 100 px wide, and notes which are clicked. */
const PATCHING = `(async () => {
  const [{ patch }, { h }] = await Promise.all([import('/page/browser/patch.js'), import('/page/view/node.js')]);
  const style = 'position: fixed; inset: 0; z-index: 9; display: grid; grid-template-columns: repeat(4, 100px)';
  const box = document.body.appendChild(document.createElement('div'));
  const clicked = [];
  box.addEventListener('click', ({ target }) => clicked.push(target.dataset.key ?? target.localName));
  const draw = (keys) => patch(box, h('div', { style }, keys.map((key) => h('button', { 'data-key': key }, key))));
  window.patched = { clicked, draw, shown: () => [...box.children].map(({ textContent }) => textContent) };
})()`;

/** A request every few ms, as a machine that has a browser to run can bear; one that cannot is not asked for ever more. */
function startPaced(url: string): { stop(): Promise<void> } {
  const open = new Set<Promise<unknown>>();
  let sent = 0;
  const ask = async (): Promise<void> => {
    const response = await fetch(url, { headers: { 'x-user-id': `user-${sent++ % 500}` } });
    await response.arrayBuffer();
  };
  const timer = setInterval(() => {
    if (open.size >= OPEN_MAX) return;
    const asked = ask().finally(() => open.delete(asked));
    open.add(asked);
  }, PACE_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

describe('the live page', { ...LIMIT, skip: CHROMIUM === null ? 'chromium is missing' : false }, () => {
  let gateway: GatewayProcess;
  let stable: TestService;
  let canary: TestService;
  let browser: Browser;
  let load: { stop(): Promise<void> };
  const ends: (() => unknown)[] = [];

  before(async () => {
    stable = await startService('v1');
    ends.push(() => stable.close());
    canary = await startService('v2');
    ends.push(() => canary.close());
    gateway = await startGatewayProcess(documentOf(stable, canary), START_MS);
    ends.push(() => gateway.end());
    browser = await launchChromium();
    ends.push(() => browser.close());
    load = startPaced(gateway.proxyUrl);
    ends.push(() => load.stop());
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** What a page said that it should not, and whom it asked. */
  interface Watched {
    readonly page: Page;
    readonly complaints: string[];
    readonly hosts: Set<string>;
  }

  async function open(options: Parameters<Browser['newContext']>[0] = {}, script = ''): Promise<Watched> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    ends.push(() => context.close());
    const page = await context.newPage();
    await page.addInitScript(script);
    page.setDefaultTimeout(START_MS);
    const complaints: string[] = [];
    const hosts = new Set<string>();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => hosts.add(new URL(request.url()).hostname));
    const response = await page.goto(gateway.adminUrl);
    assert.equal(response?.status(), 200);
    return { page, complaints, hosts };
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  }

  async function command(page: Page, name: string, reason: string): Promise<void> {
    await page.getByRole('button', { name, exact: true }).click();
    await page.fill('#confirm-token', TOKEN);
    await page.fill('#confirm-reason', reason);
    await page.click('#confirm-yes');
    await page.waitForSelector('#confirm:not([open])', { state: 'attached' });
  }

  it('is steered by its buttons, shows the rollback in its own words, and says nothing to the console', async (t) => {
    const { page, complaints, hosts } = await open({}, WATCHING);
    await page.locator('#link', { hasText: /^live$/ }).waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.fill('#confirm-token', 'not-the-token-at-all');
    await page.click('#confirm-yes');
    await page.locator('#confirm-problem', { hasText: /^401/ }).waitFor();
    await page.keyboard.press('Escape');
    await until('the browser itself tells of the 401', () => complaints.join().includes('401'));
    complaints.splice(0);

    await command(page, 'Start', 'from the page');
    await page.waitForSelector('#rollout .rung-now');
    await command(page, 'Pause', 'lunch <b>time</b>');
    // On a machine that is short of time the headline is about that.
    const paused = page.locator('#verdict, .sentence', { hasText: 'paused at 50 %' });
    await paused.waitFor();
    assert.match((await paused.textContent()) ?? '', /lunch <b>time<\/b>/, 'a reason is text');
    await command(page, 'Resume', '');
    await command(page, 'Promote', 'good enough');
    await page.locator('#rollout .rung-now', { hasText: /^80/ }).waitFor();
    await page.locator('#chart-errors canvas').waitFor();
    await until(
      'the canary is seen',
      async () => ((await gateway.status()).routes[0]?.versions[1]?.requests ?? 0) > 50,
    );
    await picture(page, 'progressing');

    canary.status = 500;
    await until('it is rolled back', async () => (await gateway.decisions()).some(({ kind }) => kind === 'rollback'));
    await page.locator('#verdict.verdict-bad').waitFor();
    const decision = (await gateway.decisions()).find(({ kind }) => kind === 'rollback');
    const said = await page.textContent('#verdict .verdict-text');
    assert.ok(said?.includes(decision?.sentence ?? 'no sentence'), `${said} / ${decision?.sentence}`);
    await until('it is marked', () => page.evaluate<boolean>('seen.marker !== null'));
    const { verdict, marker } = await page.evaluate<{ readonly verdict: Sight; readonly marker: Sight }>('seen');
    assert.ok(marker.frame <= verdict.frame + 1, `marked in frame ${marker.frame}, said in ${verdict.frame}`);
    const decidedMs = Date.parse(decision?.at ?? '');
    t.diagnostic(`after the decision: said ${verdict.atMs - decidedMs} ms, marked ${marker.atMs - decidedMs} ms`);
    const entry = page.locator('.event', { hasText: 'rollback' }).first();
    await entry.locator('summary').click();
    const numbers = await entry.textContent();
    assert.ok(
      numbers?.includes(
        `v2 ${decision?.verdict.requests.canary.bad} bad of ${decision?.verdict.requests.canary.finished}`,
      ),
      numbers ?? '',
    );
    assert.deepEqual(complaints, []);
    assert.deepEqual([...hosts], ['127.0.0.1']);
    await load.stop();
    await picture(page, 'rolled-back');

    await t.test('and says the same without JavaScript', async () => {
      const { page: plain, complaints: none } = await open({ javaScriptEnabled: false });
      const text = (await plain.textContent('main')) ?? '';
      for (const part of [
        'Rolled back',
        'Burn rates',
        'Events',
        'Upstreams',
        'Configuration',
        'revision 1',
        'v1',
        'v2',
      ]) {
        assert.ok(text.includes(part), part);
      }
      assert.equal(await plain.locator('.charts').isVisible(), false);
      await plain.click('[data-route=quiet]');
      assert.equal(await plain.textContent('#route-title'), 'quiet');
      await picture(plain, 'no-script');
      assert.deepEqual(none, []);
    });
  });

  it('is usable with the keyboard: a route is chosen, and its name is in the address', async () => {
    const { page, complaints } = await open();
    await page.locator('#link', { hasText: /^live$/ }).waitFor();
    await page.focus('[data-route=quiet]');
    await page.keyboard.press('Enter');
    await page.locator('#route-title', { hasText: 'quiet' }).waitFor();
    assert.match(page.url(), /\?route=quiet$/);
    assert.equal(
      await page.evaluate('document.activeElement.dataset.route'),
      'quiet',
      'a drawing does not take the focus',
    );
    await page.goBack();
    await page.locator('#route-title', { hasText: 'shop' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('leaves what stays where it is while others come and go, so that it keeps the focus and a click', async () => {
    const { page } = await open({ bypassCSP: true });
    await page.evaluate(PATCHING);
    await page.evaluate("patched.draw(['resume', 'promote', 'abort'])");
    await page.focus('[data-key=promote]');
    await page.mouse.move(150, 10);
    await page.mouse.down();
    await page.evaluate("patched.draw(['pause', 'promote', 'undo', 'abort'])");
    await page.mouse.up();
    assert.deepEqual(await page.evaluate('[patched.clicked, document.activeElement.textContent, patched.shown()]'), [
      ['promote'],
      'promote',
      ['pause', 'promote', 'undo', 'abort'],
    ]);
    await page.evaluate("patched.draw(['abort', 'undo'])");
    assert.deepEqual(await page.evaluate('patched.shown()'), ['abort', 'undo'], 'another order');
  });

  it('has no serious accessibility violation, light and wide, dark and narrow, and never scrolls sideways', async () => {
    const axe = (createRequire(import.meta.url)('axe-core') as { readonly source: string }).source;
    // The page's policy refuses scripts of others; this one is let in for the test alone.
    const { page } = await open({ bypassCSP: true, reducedMotion: 'reduce' });
    await page.evaluate(axe);
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 400],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.locator('#chart-errors canvas').waitFor();
      await picture(page, `${colorScheme}-${width}`);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.equal(overflow, 0, `${colorScheme} ${width}`);
      const found = await page.evaluate<{ id: string; impact: string; where: string[] }[]>(
        `axe.run({ resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(({ violations }) =>
          violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => String(node.target)) })))`,
      );
      const serious = found.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious, [], `${colorScheme} ${width}`);
    }
  });
});
