/**
 * The page as one HTML document: complete without JavaScript, kept up to date by a module with it.
 *
 * Nothing in it is inline, nothing is from elsewhere, and the policy that goes with it lets a browser do no more: scripts and
 * styles of this server alone, no forms, no frames, and no text that becomes markup (trusted types).
 */

import type { Reply } from '../reply.ts';
import { toHtml } from './html.ts';
import type { Board, BoardEvent } from './view/board.ts';
import { h, type VElement } from './view/node.js';
import { pageOf } from './view/page.js';

export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** @param asked name of the route to look at; empty: the page chooses */
export function documentReply(board: Board, events: readonly BoardEvent[], asked: string): Reply {
  const html = h('html', { lang: 'en' }, head(), h('body', {}, pageOf(board, events, asked), dialog()));
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body: `<!doctype html>\n${toHtml(html)}\n`,
    headers: { 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' },
  };
}

function head(): VElement {
  const style = (href: string): VElement => h('link', { rel: 'stylesheet', href });
  return h(
    'head',
    {},
    h('meta', { charset: 'utf-8' }),
    h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    h('meta', { name: 'color-scheme', content: 'light dark' }),
    h('title', {}, 'Sluice'),
    h('link', { rel: 'icon', href: '/favicon.ico', type: 'image/svg+xml' }),
    style('/page/uplot.css'),
    style('/page/style.css'),
    h('script', { type: 'module', src: '/page/browser/app.js' }),
  );
}

/** Asks before a command is sent, for the token once and for a reason. */
function dialog(): VElement {
  return h(
    'dialog',
    { id: 'confirm', 'aria-labelledby': 'confirm-title' },
    h('h2', { id: 'confirm-title' }, 'Command'),
    h('p', { id: 'confirm-text' }),
    h('label', { for: 'confirm-reason' }, 'Reason, for the log'),
    h('input', { id: 'confirm-reason', type: 'text', maxlength: 500, autocomplete: 'off' }),
    h('label', { for: 'confirm-token' }, 'Token; kept in this page until it is closed'),
    h('input', { id: 'confirm-token', type: 'password', maxlength: 256, autocomplete: 'off' }),
    h('p', { id: 'confirm-problem', class: 'tone-bad', role: 'alert' }),
    h(
      'div',
      { class: 'buttons' },
      h('button', { id: 'confirm-no', type: 'button', class: 'button' }, 'Cancel'),
      h('button', { id: 'confirm-yes', type: 'button', class: 'button primary' }, 'Confirm'),
    ),
  );
}
