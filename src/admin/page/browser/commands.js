/**
 * Commands to rollouts: a person is asked, with room for a reason, and told what became of it.
 *
 * The token stays in this page's memory alone: not in storage, not in an address.
 */

/** What follows from a command, for whoever is about to confirm it. */
const MEANINGS = /** @type {Readonly<Record<string, string>>} */ ({
  start: 'The canary gets the first step of the ladder.',
  pause: 'The canary keeps its present weight until it is resumed.',
  resume: 'The rollout goes on where it was paused.',
  promote: 'The canary gets the next step now, whatever the gates of this one say.',
  abort: 'The canary gets weight 0 at the next request.',
  undo: 'What the last command did is taken back.',
});

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function part(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`no ${id}`);
  return element;
}

/** Makes every button with a command ask first. */
export function listenToCommands() {
  const dialog = part('confirm', HTMLDialogElement);
  const [reason, token] = [part('confirm-reason', HTMLInputElement), part('confirm-token', HTMLInputElement)];
  const [problem, yes] = [part('confirm-problem', HTMLElement), part('confirm-yes', HTMLButtonElement)];
  let asked = { route: '', command: '' };

  const send = async () => {
    yes.disabled = true;
    problem.textContent = '';
    try {
      problem.textContent = await sendCommand(asked, token.value, reason.value);
    } catch (error) {
      problem.textContent = `The gateway did not answer: ${String(error)}`;
    } finally {
      yes.disabled = false;
    }
    if (problem.textContent === '') dialog.close();
  };

  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-command]') : null;
    if (!(button instanceof HTMLElement)) return;
    const { command = '', target: route = '' } = button.dataset;
    asked = { route, command };
    part('confirm-title', HTMLElement).textContent = `${command}: ${route}`;
    part('confirm-text', HTMLElement).textContent = MEANINGS[command] ?? '';
    yes.className = command === 'abort' ? 'button danger' : 'button primary';
    reason.value = '';
    problem.textContent = '';
    dialog.showModal();
    (token.value === '' ? token : reason).focus();
  });
  part('confirm-no', HTMLButtonElement).addEventListener('click', () => dialog.close());
  yes.addEventListener('click', () => void send());
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) void send();
  });
}

/**
 * Resolves with what is wrong; empty: it was done.
 * @param {{ readonly route: string, readonly command: string }} asked
 * @param {string} token
 * @param {string} reason
 */
async function sendCommand({ route, command }, token, reason) {
  const response = await fetch(`/api/v1/rollouts/${encodeURIComponent(route)}/${command}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason }),
  });
  if (response.ok) return '';
  /** @type {unknown} */
  const said = await response.json();
  const detail =
    typeof said === 'object' && said !== null && 'detail' in said ? String(said.detail) : response.statusText;
  return `${response.status}: ${detail}`;
}
