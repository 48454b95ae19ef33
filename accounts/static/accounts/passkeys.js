// Passkeys: asks the browser for one, and sends what it answers as a form. Without this script there are the password and codes.
"use strict";

const form = document.querySelector("form[data-passkey]");
const { passkey: wanted, origin, ask } = form.dataset;
const button = form.querySelector("button");
const WHY = {
  NotAllowedError: "That was cancelled, or took too long. Try again when you are ready, or go another way.",
  InvalidStateError: "There is a passkey for this account already. Use another device or key.",
  NotSupportedError: "This device cannot keep a passkey that fits. Use another device or key.",
  Unreachable: "The service did not answer. Try again in a moment.",
};

const say = (words) => { form.querySelector("[data-said]").textContent = words; };
const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (credentials = []) => credentials.map((one) => ({ ...one, id: toBytes(one.id) }));

const read = ({ challenge, user, allowCredentials, excludeCredentials, ...rest }) => ({
  ...rest,
  challenge: toBytes(challenge),
  ...(user ? { user: { ...user, id: toBytes(user.id) }, excludeCredentials: named(excludeCredentials) }
           : { allowCredentials: named(allowCredentials) }),
});

const question = async () => {
  if (!ask) return read(JSON.parse(form.dataset.options));
  const answer = await fetch(ask).catch(() => null);
  if (!answer?.ok) throw Object.assign(new Error(), { name: "Unreachable" });
  const { options, state } = await answer.json();
  form.elements.state.value = state;
  return read(options);
};

const send = (credential) => {
  const kept = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const response = Object.fromEntries(
    kept.filter((part) => credential.response[part]).map((part) => [part, toText(credential.response[part])]));
  form.elements.answer.value = JSON.stringify(
    { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
  form.submit();
};

// Where the browser can, it offers passkeys under the name, and waits; a question is good for five minutes.
let waiting = new AbortController();
const offer = async () => {
  if (!ask || !await PublicKeyCredential.isConditionalMediationAvailable?.()) return;
  waiting = new AbortController();
  const { signal } = waiting;
  const anew = setTimeout(() => { waiting.abort(); offer(); }, 4 * 60_000);
  try {
    const publicKey = await question();
    if (!signal.aborted) send(await navigator.credentials.get({ publicKey, signal, mediation: "conditional" }));
  } catch { /* nobody asked for it: the button is there */ } finally { if (signal.aborted) clearTimeout(anew); }
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  waiting.abort();
  say("");
  button.disabled = true;
  try {
    const publicKey = await question();
    send(await navigator.credentials[wanted]({ publicKey }));
  } catch (error) {
    say(WHY[error.name] ?? "The passkey could not be used here. Go another way, or try another browser.");
    button.disabled = false;
    offer();
  }
});

form.querySelector("[data-without]").remove();
if (location.origin !== origin) say(`Passkeys work at ${origin} alone. Open this page there.`);
else if (!window.PublicKeyCredential) say("This browser has no passkeys, or the connection is not secure.");
else { button.disabled = false; offer(); }
