/**
 * Keeps the page up to date: one stream of events, at most four drawings a second, one route looked at.
 */

import { pageOf, selectedOf } from '../view/page.js';
import { Charts } from './chart.js';
import { listenToCommands } from './commands.js';
import { patch } from './patch.js';

/** @typedef {import('../view/board.ts').Board} Board */
/** @typedef {import('../view/board.ts').BoardEvent} BoardEvent */
/** @typedef {import('../view/board.ts').RouteHistory} RouteHistory */

/** Shortest time between two drawings. */
const DRAW_MS = 250;
/** After a refusal. */
const AGAIN_MS = 10_000;

const state = {
  asked: new URLSearchParams(location.search).get('route') ?? '',
  /** @type {Board | null} */
  board: null,
  /** @type {readonly BoardEvent[]} */
  events: [],
  /** Route whose history the charts have; empty: none. */
  charted: '',
  /** Number of the last moment that was received. */
  number: -1,
  /** @type {Charts | null} */
  charts: null,
  isDrawing: false,
  drawnAtMs: 0,
};
/** @type {EventSource | null} */
let source = null;

function follow() {
  source?.close();
  const query = state.asked === '' ? '' : `?route=${encodeURIComponent(state.asked)}`;
  const opened = new EventSource(`/api/v1/live${query}`);
  source = opened;
  opened.addEventListener('open', () => tellLink('live', 'good'));
  opened.addEventListener('error', () => {
    tellLink('connecting', 'warn');
    // An answer that is no stream (503: too many look) ends it for good, unless it is asked for again.
    if (opened.readyState === EventSource.CLOSED && opened === source) setTimeout(follow, AGAIN_MS);
  });
  opened.addEventListener('events', ({ data }) => {
    state.events = /** @type {BoardEvent[]} */ (JSON.parse(String(data)));
    drawSoon();
  });
  opened.addEventListener('board', ({ data }) => {
    take(/** @type {Board} */ (JSON.parse(String(data))));
    drawSoon();
  });
}

/**
 * @param {string} text
 * @param {string} tone
 */
function tellLink(text, tone) {
  const link = document.getElementById('link');
  if (link === null) return;
  link.textContent = text;
  link.className = `pill pill-${tone} scripted`;
}

/** @param {Board} board */
function take(board) {
  const hasGap = state.number !== -1 && board.number > state.number + 1;
  state.board = board;
  state.number = board.number;
  const selected = selectedOf(board, state.asked);
  if (selected === null) return;
  if (selected.route.name !== state.charted || hasGap) {
    state.charted = selected.route.name;
    void loadHistory(selected.route.name);
  } else state.charts?.add(Math.floor(board.atMs / 1000), selected.now);
}

/** @param {string} route */
async function loadHistory(route) {
  const response = await fetch(`/api/v1/board/history?route=${encodeURIComponent(route)}`);
  if (!response.ok || route !== state.charted) return;
  charts()?.load(/** @type {RouteHistory} */ (await response.json()));
  drawSoon();
}

/** The charts, once there is a place for them. */
function charts() {
  const [errors, latency, legend] = ['chart-errors', 'chart-latency', 'legend'].map((id) =>
    document.getElementById(id),
  );
  if (!errors || !latency || !legend) return null;
  state.charts ??= new Charts([errors, latency, legend]);
  return state.charts;
}

function drawSoon() {
  if (state.isDrawing) return;
  state.isDrawing = true;
  const waitMs = Math.max(0, state.drawnAtMs + DRAW_MS - performance.now());
  setTimeout(() => requestAnimationFrame(draw), waitMs);
}

function draw() {
  state.isDrawing = false;
  state.drawnAtMs = performance.now();
  const { board, events } = state;
  const page = document.getElementById('page');
  if (board === null || page === null) return;
  patch(page, pageOf(board, events, state.asked));
  const selected = selectedOf(board, state.asked);
  document.title = selected === null ? 'Sluice' : `${selected.route.name} · Sluice`;
  if (selected === null) return;
  const availability = selected.slos.find(({ indicator }) => indicator === 'availability');
  const latency = selected.slos.find(({ indicator }) => indicator === 'latency');
  const limits = {
    errorRatio: availability === undefined ? null : 1 - availability.targetRatio,
    ms: latency?.thresholdMs ?? null,
  };
  charts()?.draw(
    limits,
    events.filter(({ route }) => route === '' || route === selected.route.name),
  );
}

/** A card chooses its route without loading the page anew. */
document.addEventListener('click', (event) => {
  const card = event.target instanceof Element ? event.target.closest('[data-route]') : null;
  if (!(card instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(card.dataset['route'] ?? '');
  history.pushState(null, '', `?route=${encodeURIComponent(state.asked)}`);
});
addEventListener('popstate', () => choose(new URLSearchParams(location.search).get('route') ?? ''));

/** @param {string} route */
function choose(route) {
  state.asked = route;
  state.charts?.load(null);
  state.charted = '';
  const { board } = state;
  if (board === null) return;
  take(board);
  // Of many routes some are shown; the stream is to know which one must be.
  if (board.routesTotal > board.routes.length) follow();
  drawSoon();
}

document.documentElement.classList.add('has-script');
listenToCommands();
follow();
