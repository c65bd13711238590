"""etcd, kube-apiserver, kube-scheduler and kube-controller-manager on free ports, with TLS, RBAC, users by token and an audit log."""
import datetime
import json
import pathlib
import ssl
import subprocess
import time
import urllib.request

from .api import Api
from .parts import BIN, Failed, Part, free_port, wait, without_proxies

ADMIN_TOKEN = "e2e-admin"
SPARK_TOKEN = "e2e-spark"
NODES_TOKEN = "e2e-nodes"
TOKENS = f"""{ADMIN_TOKEN},admin,1,"system:masters"
{SPARK_TOKEN},spark-user,2,"spark"
{NODES_TOKEN},e2e-nodes,3,"system:masters"
"""
AUDIT = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}
SERVER_NAMES = ("subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
                "DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local\nextendedKeyUsage=serverAuth\n")


def audit_time(entry):
    """When the API server got the request, in seconds since 1970."""
    return datetime.datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp()


def openssl(*args, cwd):
    done = subprocess.run(["openssl", *args], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"openssl {args[0]}: {done.stderr}")


def make_certificates(folder):
    folder.mkdir(parents=True)
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key", cwd=folder)
    openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=kubernetes", "-days", "30", "-out", "ca.crt",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature", cwd=folder)
    (folder / "server.cnf").write_text(SERVER_NAMES)
    (folder / "client.cnf").write_text("extendedKeyUsage=clientAuth\n")
    for name, subject, kind in (("apiserver", "/CN=kube-apiserver", "server"), ("admin", "/O=system:masters/CN=admin", "client"),
                                ("scheduler", "/CN=system:kube-scheduler", "client"),
                                ("controller-manager", "/CN=system:kube-controller-manager", "client")):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key", cwd=folder)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr", cwd=folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                "-out", f"{name}.crt", "-extfile", f"{kind}.cnf", cwd=folder)
    openssl("genrsa", "-out", "sa.key", "2048", cwd=folder)
    openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub", cwd=folder)
    (folder / "tokens.csv").write_text(TOKENS)


def kubeconfig(path, server, ca_file, user):
    """`user`: the fields of a kubeconfig's user."""
    document = {"apiVersion": "v1", "kind": "Config", "current-context": "e2e",
                "clusters": [{"name": "e2e", "cluster": {"server": server, "certificate-authority": str(ca_file)}}],
                "users": [{"name": "e2e", "user": user}],
                "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}]}
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


class ControlPlane:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.pki = self.folder / "pki"
        self.audit_log = self.folder / "audit.log"
        make_certificates(self.pki)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca_file = self.pki / "ca.crt"
        self.parts = {}
        for user in ("admin", "scheduler", "controller-manager"):
            kubeconfig(self.pki / f"{user}.kubeconfig", self.url, self.ca_file,
                       {"client-certificate": str(self.pki / f"{user}.crt"), "client-key": str(self.pki / f"{user}.key")})
        self.admin = Api(self.url, self.ca_file, ADMIN_TOKEN)

    def start(self):
        etcd, peer = free_port(), free_port()
        (self.folder / "audit.yaml").write_text(json.dumps(AUDIT))
        self.run("etcd", BIN / "etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", f"http://127.0.0.1:{etcd}",
                 "--advertise-client-urls", f"http://127.0.0.1:{etcd}", "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                 "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", f"default=http://127.0.0.1:{peer}",
                 "--unsafe-no-fsync")
        self.wait_http(f"http://127.0.0.1:{etcd}/health", b"true")
        self.run("kube-apiserver", BIN / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}", "--bind-address=127.0.0.1",
                 "--advertise-address=127.0.0.1", f"--secure-port={self.port}", f"--tls-cert-file={self.pki}/apiserver.crt",
                 f"--tls-private-key-file={self.pki}/apiserver.key", f"--client-ca-file={self.ca_file}",
                 f"--token-auth-file={self.pki}/tokens.csv", "--service-account-issuer=https://kubernetes.default.svc",
                 f"--service-account-key-file={self.pki}/sa.pub", f"--service-account-signing-key-file={self.pki}/sa.key",
                 "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
                 "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true", "--endpoint-reconciler-type=none",
                 f"--audit-log-path={self.audit_log}", f"--audit-policy-file={self.folder}/audit.yaml", "--audit-log-mode=batch")
        self.wait_api()
        for name, kind, extra in (("kube-scheduler", "scheduler", ("--kube-api-qps=500", "--kube-api-burst=1000")), (
                "kube-controller-manager", "controller-manager",
                (f"--service-account-private-key-file={self.pki}/sa.key", f"--root-ca-file={self.ca_file}",
                 "--use-service-account-credentials=true", "--kube-api-qps=500", "--kube-api-burst=1000"))):
            config = self.pki / f"{kind}.kubeconfig"
            self.run(name, BIN / name, f"--kubeconfig={config}", f"--authentication-kubeconfig={config}",
                     f"--authorization-kubeconfig={config}", "--leader-elect=false", "--bind-address=127.0.0.1",
                     f"--secure-port={free_port()}", *extra)
        wait("the default service account", lambda: self.admin.items("/api/v1/namespaces/default/serviceaccounts"))
        return self

    def run(self, name, *argv):
        self.parts[name] = Part(name, argv, self.folder, env=without_proxies()).start()

    def wait_http(self, url, expected):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        wait(url, lambda: expected in opener.open(url, timeout=5).read())

    def wait_api(self):
        context = ssl.create_default_context(cafile=str(self.ca_file))
        request = urllib.request.Request(self.url + "/readyz", headers={"Authorization": "Bearer " + ADMIN_TOKEN})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

        def ready():
            if not self.parts["kube-apiserver"].alive():
                raise Failed("kube-apiserver: " + self.parts["kube-apiserver"].tail())
            return opener.open(request, timeout=5).read() == b"ok"
        wait("the API server is ready", ready)

    def restart_api(self, down_s=0):
        part = self.parts["kube-apiserver"]
        part.stop()
        if down_s:
            time.sleep(down_s)
        part.start()
        self.wait_api()

    def stop(self):
        for name in ("kube-controller-manager", "kube-scheduler", "kube-apiserver", "etcd"):
            if name in self.parts:
                self.parts[name].stop()

    def kubectl(self, *args, stdin=None, check=True):
        """Standard output; Failed with standard error where it fails and `check`."""
        done = subprocess.run([str(BIN / "kubectl"), "--kubeconfig", str(self.pki / "admin.kubeconfig"), *args], input=stdin,
                              capture_output=True, text=True, env=without_proxies(), timeout=180)
        if done.returncode and check:
            raise Failed(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout if check else done

    def apply(self, *documents):
        text = "\n---\n".join(d if isinstance(d, str) else json.dumps(d) for d in documents)
        return self.kubectl("apply", "-f", "-", stdin=text)

    def token(self, namespace, name, seconds=3600):
        made = self.admin.post(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
                               {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}})
        return made["status"]["token"]

    def audit(self):
        """Every request that the API server wrote down, as dicts."""
        with open(self.audit_log, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
